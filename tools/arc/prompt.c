/*
 * libedit in its unbuffered mode gives back control after every key. Keys reach it through
 * read_key, so that a lone Escape does not hold up the loop. Secrets are read as the terminal gives
 * them, without its echo.
 */
#include "prompt.h"

#include <errno.h>
#include <histedit.h>
#include <poll.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

#include "history.h"
#include "paste.h"
#include "width.h"

enum { CTRL_D = 4, CTRL_G = 7, LINE_MAX_BYTES = 64 * 1024, SEQUENCE_MS = 100 };

struct arc_prompt {
    EditLine *el;
    FILE *out;
    struct arc_history history;
    History *none; /* of the other prompts */
    char *text;
    struct termios saved; /* of the terminal before us */
    bool known;           /* saved is filled */
    bool redraws;
    bool marks; /* the terminal marks what is pasted */

    enum { CLOSED, AHEAD, OPEN } state;

    enum arc_prompt_kind kind;
    bool blank; /* typed ahead: nothing yet, so nothing is shown */
    /* What the last key has told: */
    bool begun; /* the key has more than one character */
    bool enter, skip, gone;
    char *line; /* what plain reading has gathered */
    size_t len;
};

static struct arc_prompt *prompt_of(EditLine *el)
{
    struct arc_prompt *prompt = NULL;
    el_get(el, EL_CLIENTDATA, &prompt);
    return prompt;
}

static char *prompt_text(EditLine *el)
{
    static char nothing[] = "";
    const struct arc_prompt *prompt = prompt_of(el);
    return prompt->blank ? nothing : prompt->text;
}

/* One character. What does not come at once, after the first, does not belong to this key. */
static int read_key(EditLine *el, wchar_t *c)
{
    struct arc_prompt *prompt = prompt_of(el);
    struct pollfd fd = {.fd = STDIN_FILENO, .events = POLLIN};
    mbstate_t state = {0};
    size_t used = (size_t)-2;
    while (used == (size_t)-2) {
        char byte;
        if (prompt->begun && poll(&fd, 1, SEQUENCE_MS) <= 0) {
            return 0;
        }
        ssize_t n = read(STDIN_FILENO, &byte, 1);
        if (n <= 0) {
            prompt->gone = n == 0 || (errno != EINTR && errno != EAGAIN);
            return 0;
        }
        prompt->begun = true;
        used = mbrtowc(c, &byte, 1, &state);
    }
    prompt->enter = *c == L'\n' || *c == L'\r';
    return used == (size_t)-1 ? 0 : 1;
}

static unsigned char skip_key(EditLine *el, int key)
{
    (void)key;
    prompt_of(el)->skip = true;
    return CC_NORM;
}

static void set_up_editing(struct arc_prompt *prompt)
{
    EditLine *el = prompt->el;
    el_set(el, EL_CLIENTDATA, prompt);
    el_set(el, EL_GETCFN, read_key);
    el_set(el, EL_PROMPT, prompt_text);
    el_set(el, EL_EDITOR, "emacs");
    el_set(el, EL_SIGNAL, 0);
    el_set(el, EL_BIND, "^I", "ed-insert", NULL);
    /* These would read on by themselves. */
    el_set(el, EL_BIND, "^R", "ed-redisplay", NULL);
    el_set(el, EL_BIND, "^V", "ed-unassigned", NULL);
    el_wset(el, EL_ADDFN, L"arc-skip", L"Leave the question", skip_key); /* el_set would leak */
    el_set(el, EL_BIND, "^G", "arc-skip", NULL);
    arc_paste_set_up(el);
}

struct arc_prompt *arc_prompt_new(const struct arc *arc, FILE *out)
{
    struct arc_prompt *prompt = calloc(1, sizeof(*prompt));
    if (prompt == NULL) {
        return NULL;
    }
    prompt->out = out;
    prompt->redraws = arc->redraws;
    prompt->known = tcgetattr(STDIN_FILENO, &prompt->saved) == 0;
    prompt->none = history_init();
    prompt->el = el_init("arc", stdin, out, stderr);
    if (prompt->el == NULL || prompt->none == NULL) {
        arc_prompt_free(prompt);
        return NULL;
    }
    arc_history_open(&prompt->history, argo_context_home(arc->ctx));
    set_up_editing(prompt);
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
    if (prompt->none != NULL) {
        history_end(prompt->none);
    }
    arc_history_close(&prompt->history);
    restore(prompt);
    free(prompt->text);
    free(prompt->line);
    free(prompt);
}

/* ---- the terminal's modes -------------------------------------------------------------------- */

static bool is_edited(const struct arc_prompt *prompt)
{
    return prompt->state != CLOSED && prompt->kind != ARC_PROMPT_SECRET;
}

/* No echo, and Ctrl-G ends a line as Enter does. */
static void hide_typing(struct arc_prompt *prompt)
{
    if (prompt->known) {
        struct termios quiet = prompt->saved;
        quiet.c_lflag &= ~(tcflag_t)ECHO;
        quiet.c_cc[VEOL] = CTRL_G;
        tcsetattr(STDIN_FILENO, TCSADRAIN, &quiet);
    }
}

static void mark_pastes(struct arc_prompt *prompt, bool on)
{
    if (prompt->marks != on) {
        prompt->marks = on;
        fputs(on ? ARC_PASTE_ON : ARC_PASTE_OFF, prompt->out);
        fflush(prompt->out);
    }
}

static void begin_reading(struct arc_prompt *prompt)
{
    if (!is_edited(prompt)) {
        hide_typing(prompt);
        return;
    }
    bool remembers = prompt->kind == ARC_PROMPT_TEXT && prompt->history.lines != NULL;
    el_set(prompt->el, EL_HIST, history, remembers ? prompt->history.lines : prompt->none);
    mark_pastes(prompt, prompt->redraws);
    el_set(prompt->el, EL_UNBUFFERED, 1); /* shows the prompt */
}

/* Back to the terminal as it was; what has been typed is forgotten. */
static void leave(struct arc_prompt *prompt)
{
    if (is_edited(prompt)) {
        el_set(prompt->el, EL_UNBUFFERED, 0);
        mark_pastes(prompt, false);
    } else if (prompt->state != CLOSED) {
        restore(prompt);
    }
    prompt->state = CLOSED;
    prompt->blank = false;
}

/* ---- showing --------------------------------------------------------------------------------- */

static char *typed(struct arc_prompt *prompt, bool to_cursor)
{
    const LineInfo *info = el_line(prompt->el);
    return strndup(info->buffer,
                   (size_t)((to_cursor ? info->cursor : info->lastchar) - info->buffer));
}

bool arc_prompt_is_shown(const struct arc_prompt *prompt)
{
    return prompt != NULL && prompt->state != CLOSED && !prompt->blank;
}

void arc_prompt_open(struct arc_prompt *prompt, const char *text, enum arc_prompt_kind kind)
{
    arc_auto_free char *kept =
        prompt->state == AHEAD && kind != ARC_PROMPT_SECRET ? typed(prompt, false) : NULL;
    arc_prompt_close(prompt);
    free(prompt->text);
    prompt->text = strdup(text);
    if (prompt->text == NULL) {
        return;
    }
    prompt->state = OPEN;
    prompt->kind = kind;
    fflush(prompt->out);
    begin_reading(prompt);
    if (kind == ARC_PROMPT_SECRET) {
        arc_prompt_show(prompt);
    } else if (kept != NULL && *kept != '\0') {
        arc_prompt_hide(prompt);
        el_insertstr(prompt->el, kept);
        arc_prompt_show(prompt);
    }
}

void arc_prompt_ahead(struct arc_prompt *prompt)
{
    if (prompt == NULL || prompt->state != CLOSED || !prompt->redraws) {
        return;
    }
    free(prompt->text);
    prompt->text = strdup("> ");
    if (prompt->text != NULL) {
        prompt->state = AHEAD;
        prompt->kind = ARC_PROMPT_TEXT;
        prompt->blank = true;
        fflush(prompt->out);
        begin_reading(prompt);
    }
}

void arc_prompt_close(struct arc_prompt *prompt)
{
    arc_prompt_hide(prompt);
    leave(prompt);
}

/* How many rows above the cursor the prompt begins: what is typed may wrap. */
static size_t rows_above(struct arc_prompt *prompt)
{
    arc_auto_free char *before = is_edited(prompt) ? typed(prompt, true) : strdup("");
    arc_auto_free char *whole = arc_format("%s%s", prompt->text, before == NULL ? "" : before);
    return whole == NULL ? 0 : arc_text_rows(whole, arc_terminal_width());
}

void arc_prompt_hide(struct arc_prompt *prompt)
{
    if (!arc_prompt_is_shown(prompt)) {
        return;
    }
    if (prompt->redraws) {
        size_t rows = rows_above(prompt);
        if (rows > 0) {
            fprintf(prompt->out, "\033[%zuA", rows);
        }
        fputs("\r\033[J", prompt->out);
    } else {
        fputc('\n', prompt->out);
    }
    fflush(prompt->out);
}

void arc_prompt_show(struct arc_prompt *prompt)
{
    if (!arc_prompt_is_shown(prompt)) {
        return;
    }
    fflush(prompt->out);
    if (is_edited(prompt)) {
        el_set(prompt->el, EL_REFRESH);
    } else {
        fputs(prompt->text, prompt->out);
        fflush(prompt->out);
    }
}

void arc_prompt_resized(struct arc_prompt *prompt)
{
    if (prompt != NULL) {
        arc_prompt_hide(prompt);
        el_resize(prompt->el);
        arc_prompt_show(prompt);
    }
}

void arc_prompt_suspend(struct arc_prompt *prompt)
{
    if (prompt == NULL || prompt->state == CLOSED) {
        return;
    }
    arc_prompt_hide(prompt);
    if (is_edited(prompt)) {
        el_set(prompt->el, EL_PREP_TERM, 0);
        mark_pastes(prompt, false);
    } else {
        restore(prompt);
    }
}

void arc_prompt_resumed(struct arc_prompt *prompt)
{
    if (prompt == NULL || prompt->state == CLOSED) {
        return;
    }
    if (is_edited(prompt)) {
        el_set(prompt->el, EL_PREP_TERM, 0); /* libedit believes that it still is as it was */
        el_set(prompt->el, EL_PREP_TERM, 1);
        mark_pastes(prompt, prompt->redraws);
        el_resize(prompt->el);
    } else {
        hide_typing(prompt);
    }
    arc_prompt_show(prompt);
}

/* ---- reading --------------------------------------------------------------------------------- */

static enum arc_prompt_event take_edited(struct arc_prompt *prompt, const char *text, size_t len,
                                         char **line)
{
    *line = strndup(text, len);
    bool kept = prompt->kind == ARC_PROMPT_TEXT && *line != NULL;
    leave(prompt);
    if (kept) {
        arc_history_add(&prompt->history, *line);
    }
    return *line == NULL ? ARC_PROMPT_END : ARC_PROMPT_LINE;
}

/* What is typed ahead appears with its first key, and goes with its last. */
static void uncover(struct arc_prompt *prompt, bool empty)
{
    if (prompt->state == AHEAD && prompt->blank != empty) {
        prompt->blank = false;
        arc_prompt_hide(prompt);
        prompt->blank = empty;
        arc_prompt_show(prompt);
    }
}

/* Of a line of more than 1,024 characters libedit keeps no more while it shows another one of the
 * history, and believes to have all. What there is becomes the line, and is seen before it is sent. */
static enum arc_prompt_event shorten(struct arc_prompt *prompt, const char *text)
{
    arc_auto_free char *kept = strdup(text);
    el_set(prompt->el, EL_UNBUFFERED, 0);
    fputs("\nOf this line only the beginning is left:\n", prompt->out);
    fflush(prompt->out);
    el_set(prompt->el, EL_UNBUFFERED, 1);
    el_insertstr(prompt->el, kept == NULL ? "" : kept);
    arc_prompt_show(prompt);
    return ARC_PROMPT_NOTHING;
}

static enum arc_prompt_event read_edited(struct arc_prompt *prompt, char **line)
{
    int n = 0;
    prompt->begun = prompt->enter = prompt->skip = prompt->gone = false;
    const char *text = el_gets(prompt->el, &n);
    size_t len = text == NULL || n < 0 ? 0 : strnlen(text, (size_t)n);
    if (text != NULL && n > 0 && len < (size_t)n) {
        return shorten(prompt, text);
    }
    if (prompt->gone || (len == 1 && text[0] == CTRL_D)) {
        fputs(prompt->blank ? "\r\033[J" : "", prompt->out); /* libedit has shown the key */
        fflush(prompt->out);
        return ARC_PROMPT_END;
    }
    if (prompt->enter && len > 0 && text[len - 1] == '\n') {
        return take_edited(prompt, text, len - 1, line);
    }
    if (prompt->skip && prompt->state == OPEN) {
        arc_prompt_close(prompt);
        return ARC_PROMPT_SKIP;
    }
    uncover(prompt, len == 0);
    return ARC_PROMPT_NOTHING;
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
    char last = grown[prompt->len - 1];
    if (last != '\n' && last != CTRL_G) {
        return ARC_PROMPT_NOTHING;
    }
    grown[prompt->len - 1] = '\0';
    *line = grown;
    prompt->line = NULL;
    prompt->len = 0;
    if (prompt->state == OPEN) {
        fputc('\n', prompt->out); /* the terminal has not shown it */
        leave(prompt);
    }
    return last == CTRL_G ? ARC_PROMPT_SKIP : ARC_PROMPT_LINE;
}

enum arc_prompt_event arc_prompt_read(struct arc_prompt *prompt, char **line)
{
    return is_edited(prompt) ? read_edited(prompt, line) : read_plain(prompt, line);
}
