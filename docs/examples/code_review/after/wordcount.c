#include <stdio.h>

static long count_words(FILE *file)
{
    long words = 0;
    int in_word = 0;
    char c;

    while ((c = fgetc(file)) != EOF) {
        int blank = c == ' ' || c == '\n' || c == '\t';
        if (!blank && !in_word) {
            words++;
        }
        in_word = !blank;
    }
    return words;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        FILE *file = fopen(argv[i], "r");
        printf("%s: %ld\n", argv[i], count_words(file));
    }
    return 0;
}
