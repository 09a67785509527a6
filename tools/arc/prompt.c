/*
 * libedit in its unbuffered mode gives back control after every key. It keeps no history and reads
 * no file. Secrets, and lines typed while nothing is asked, are read as the terminal gives them.
 */
#include "prompt.h"

#include <errno.h>
#include <histedit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "arc.h"
#include "table.h"

enum { CTRL_D = 4, LINE_MAX_BYTES = 64 * 1024 };

struct arc_prompt {
    EditLine *el;
    char *text;
    struct termios saved; /* of the terminal before us */
    bool known;           /* saved is filled */
    bool open, secret;
    char *line; /* what plain reading has gathered */
    size_t len;
};

static char *prompt_text(EditLine *el)
{
    struct arc_prompt *prompt = NULL;
    el_get(el, EL_CLIENTDATA, &prompt);
    return prompt->text;
}

struct arc_prompt *arc_prompt_new(void)
{
    struct arc_prompt *prompt = calloc(1, sizeof(*prompt));
    if (prompt == NULL) {
        return NULL;
    }
    prompt->known = tcgetattr(STDIN_FILENO, &prompt->saved) == 0;
    prompt->el = el_init("arc", stdin, stdout, stderr);
    if (prompt->el == NULL) {
        arc_prompt_free(prompt);
        return NULL;
    }
    el_set(prompt->el, EL_CLIENTDATA, prompt);
    el_set(prompt->el, EL_PROMPT, prompt_text);
    el_set(prompt->el, EL_EDITOR, "emacs");
    el_set(prompt->el, EL_SIGNAL, 0);
    el_set(prompt->el, EL_BIND, "^I", "ed-insert", NULL);
    return prompt;
}

static void restore(struct arc_prompt *prompt)
{
    if (prompt->known) {
        tcsetattr(STDIN_FILENO, TCSADRAIN, &prompt->saved);
    }
}

void arc_prompt_free(struct arc_prompt *prompt)
{
    if (prompt == NULL) {
        return;
    }
    arc_prompt_close(prompt);
    if (prompt->el != NULL) {
        el_end(prompt->el);
    }
    restore(prompt);
    free(prompt->text);
    free(prompt->line);
    free(prompt);
}

static void hide_typing(struct arc_prompt *prompt)
{
    if (prompt->known) {
        struct termios quiet = prompt->saved;
        quiet.c_lflag &= ~(tcflag_t)ECHO;
        tcsetattr(STDIN_FILENO, TCSADRAIN, &quiet);
    }
}

void arc_prompt_open(struct arc_prompt *prompt, const char *text, bool secret)
{
    arc_prompt_close(prompt);
    free(prompt->text);
    prompt->text = strdup(text);
    if (prompt->text == NULL) {
        return;
    }
    prompt->open = true;
    prompt->secret = secret;
    fflush(stdout);
    if (secret) {
        hide_typing(prompt);
        fputs(prompt->text, stdout);
        fflush(stdout);
    } else {
        el_set(prompt->el, EL_UNBUFFERED, 1); /* shows the prompt */
    }
}

/* Back to plain reading; what has been typed into it is forgotten. */
static void leave(struct arc_prompt *prompt)
{
    prompt->open = false;
    if (prompt->secret) {
        restore(prompt);
    } else {
        el_set(prompt->el, EL_UNBUFFERED, 0);
    }
}

void arc_prompt_close(struct arc_prompt *prompt)
{
    if (prompt->open) {
        arc_prompt_hide(prompt);
        leave(prompt);
    }
}

bool arc_prompt_is_open(const struct arc_prompt *prompt)
{
    return prompt != NULL && prompt->open;
}

/* How many rows above the cursor the prompt begins: what is typed may wrap. */
static size_t rows_above(struct arc_prompt *prompt)
{
    size_t width = arc_terminal_width();
    if (prompt->secret || width == 0) {
        return 0;
    }
    const LineInfo *info = el_line(prompt->el);
    arc_auto_free char *typed = strndup(info->buffer, (size_t)(info->cursor - info->buffer));
    return typed == NULL ? 0 : (arc_text_width(prompt->text) + arc_text_width(typed)) / width;
}

void arc_prompt_hide(struct arc_prompt *prompt)
{
    if (arc_prompt_is_open(prompt)) {
        size_t rows = rows_above(prompt);
        if (rows > 0) {
            printf("\033[%zuA", rows);
        }
        fputs("\r\033[J", stdout);
        fflush(stdout);
    }
}

void arc_prompt_show(struct arc_prompt *prompt)
{
    if (!arc_prompt_is_open(prompt)) {
        return;
    }
    fflush(stdout);
    if (prompt->secret) {
        fputs(prompt->text, stdout);
        fflush(stdout);
    } else {
        el_set(prompt->el, EL_REFRESH);
    }
}

void arc_prompt_resized(struct arc_prompt *prompt)
{
    if (prompt != NULL) {
        el_resize(prompt->el);
    }
}

void arc_prompt_resumed(struct arc_prompt *prompt)
{
    if (!arc_prompt_is_open(prompt)) {
        return;
    }
    if (prompt->secret) {
        hide_typing(prompt);
    } else {
        el_set(prompt->el, EL_PREP_TERM, 0); /* libedit believes that it still is as it was */
        el_set(prompt->el, EL_PREP_TERM, 1);
    }
    arc_prompt_show(prompt);
}

static enum arc_prompt_event read_edited(struct arc_prompt *prompt, char **line)
{
    int n = 0;
    errno = 0;
    const char *typed = el_gets(prompt->el, &n);
    if (typed == NULL || n <= 0) {
        /* An empty line after Backspace gives nothing either; a terminal that has gone fails. */
        return errno != 0 && errno != EINTR && errno != EAGAIN ? ARC_PROMPT_END
                                                               : ARC_PROMPT_NOTHING;
    }
    if (typed[n - 1] == CTRL_D) {
        return ARC_PROMPT_END;
    }
    if (typed[n - 1] != '\n' && typed[n - 1] != '\r') {
        return ARC_PROMPT_NOTHING;
    }
    *line = strndup(typed, (size_t)n - 1);
    leave(prompt);
    return *line == NULL ? ARC_PROMPT_END : ARC_PROMPT_LINE;
}

static enum arc_prompt_event read_plain(struct arc_prompt *prompt, char **line)
{
    char chunk[4096];
    ssize_t n = read(STDIN_FILENO, chunk, sizeof(chunk));
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) {
        return ARC_PROMPT_NOTHING;
    }
    char *grown = n <= 0 || prompt->len + (size_t)n > LINE_MAX_BYTES
                      ? NULL
                      : realloc(prompt->line, prompt->len + (size_t)n + 1);
    if (grown == NULL) {
        return ARC_PROMPT_END;
    }
    prompt->line = grown;
    memcpy(grown + prompt->len, chunk, (size_t)n);
    prompt->len += (size_t)n;
    grown[prompt->len] = '\0';
    if (grown[prompt->len - 1] != '\n') {
        return ARC_PROMPT_NOTHING;
    }
    grown[prompt->len - 1] = '\0';
    *line = grown;
    prompt->line = NULL;
    prompt->len = 0;
    if (prompt->open) {
        fputc('\n', stdout); /* the terminal has not shown it */
        leave(prompt);
    }
    return ARC_PROMPT_LINE;
}

enum arc_prompt_event arc_prompt_read(struct arc_prompt *prompt, char **line)
{
    return prompt->open && !prompt->secret ? read_edited(prompt, line) : read_plain(prompt, line);
}
