/*
 * Replays a corpus without libFuzzer: each file of each directory in argv goes to the target
 * once, in a buffer of exactly its size so that the sanitizers see an overrun.
 */
#include <dirent.h>
#include <string.h>

#include "base/file.h"
#include "fuzz/fuzz.h"

#define INPUT_MAX (1024 * 1024)

static int replay_file(const char *path)
{
    AG_AUTO(argo_error) err = NULL;
    ag_auto_free char *text = NULL;
    size_t len = 0;
    if (ag_file_read(path, INPUT_MAX, &text, &len, &err) != 0) {
        fprintf(stderr, "%s: %s\n", path, argo_error_details(err));
        return -1;
    }
    /* The reader adds a NUL, which would hide a read past the end. */
    ag_auto_free uint8_t *exact = malloc(len == 0 ? 1 : len);
    if (exact == NULL) {
        return -1;
    }
    if (len > 0) {
        memcpy(exact, text, len);
    }
    return LLVMFuzzerTestOneInput(exact, len);
}

/* How many files were replayed, or -1. */
static int replay_directory(const char *path)
{
    int count = 0;
    DIR *dir = opendir(path);
    if (dir == NULL) {
        perror(path);
        return -1;
    }
    const struct dirent *entry;
    while (count >= 0 && (entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.') {
            continue;
        }
        ag_auto_free char *file = ag_path_join(path, entry->d_name);
        count = file != NULL && replay_file(file) == 0 ? count + 1 : -1;
    }
    closedir(dir);
    return count;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        int count = replay_directory(argv[i]);
        if (count <= 0) {
            fprintf(stderr, "%s: nothing replayed, or a failure\n", argv[i]);
            return EXIT_FAILURE;
        }
        printf("%s: %d inputs\n", argv[i], count);
    }
    return argc > 1 ? EXIT_SUCCESS : EXIT_FAILURE;
}
