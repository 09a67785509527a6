#include <stdio.h>

static long count_words(FILE *file)
{
    long words = 0;
    int in_word = 0;
    int c;

    while ((c = fgetc(file)) != EOF) {
        int blank = c == ' ' || c == '\n' || c == '\t';
        if (!blank && !in_word) {
            words++;
        }
        in_word = !blank;
    }
    return words;
}

int main(void)
{
    printf("%ld\n", count_words(stdin));
    return 0;
}
