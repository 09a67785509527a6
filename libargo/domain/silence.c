/*
 * Silence: who says at times that he lives, and has not for too long. One timer for all of a kind,
 * armed only while there is one of them; what follows from the silence is for their own file.
 *
 * A look that comes late says that we have not listened: then what has gathered is read first.
 */
#include "domain/internal.h"

static void arm(struct ag_silence *s, int64_t delay)
{
    s->due = ag_loop_clock_ms(s->loop) + delay;
    ag_timer_arm(s->timer, delay);
}

int ag_silence_init(struct ag_silence *s, ag_loop *loop, int64_t length, ag_timer_fn look,
                    void *user, argo_error **err)
{
    *s = (struct ag_silence){.loop = loop, .length = length};
    return ag_timer_new(loop, look, user, &s->timer, err);
}

void ag_silence_deinit(struct ag_silence *s)
{
    ag_timer_free(s->timer);
}

void ag_silence_listen(struct ag_silence *s)
{
    if (s->length > 0 && !ag_timer_armed(s->timer)) {
        arm(s, s->length);
    }
}

static int64_t patience(const struct ag_silence *s)
{
    return s->length / 4;
}

void ag_silence_begin(struct ag_silence *s)
{
    s->now = ag_loop_now(s->loop);
    s->next = INT64_MAX;
    s->late = s->now - s->due > patience(s);
}

static void note(struct ag_silence *s, int64_t due)
{
    s->next = due < s->next ? due : s->next;
}

bool ag_silence_broken(struct ag_silence *s, int64_t heard)
{
    int64_t due = heard + s->length;
    if (due <= s->now && !s->late) {
        return true;
    }
    note(s, due <= s->now ? s->now + patience(s) : due);
    return false;
}

void ag_silence_again(struct ag_silence *s)
{
    note(s, s->now + s->length);
}

void ag_silence_end(struct ag_silence *s)
{
    if (s->next != INT64_MAX) {
        arm(s, s->next - s->now);
    }
}
