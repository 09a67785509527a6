/*
 * What a run's event records tell, all in one place. They are appended in the transaction of what
 * they tell, and nothing is in them that a reader of the stream may not see: no answer.
 */
#include "base/text.h"
#include "domain/internal.h"

static void set_text(ag_value *data, const char *key, const char *text)
{
    if (text != NULL) {
        (void)ag_value_set(data, key, ag_value_text(text));
    }
}

static void set_time(ag_value *data, const char *key, int64_t ms)
{
    char text[AG_TIME_SIZE];
    if (ms != 0) {
        set_text(data, key, ag_time_format(ms, text));
    }
}

/* Takes over DATA. */
static void tell(struct ag_change_set *c, struct ag_live *live, struct ag_record_spec *spec,
                 ag_value *data)
{
    spec->stream = AG_STREAM_EVENT;
    spec->data = data;
    ag_live_append(c, live, spec);
    ag_value_unref(data);
}

void ag_event_state(struct ag_change_set *c, struct ag_live *live)
{
    int state = live->row.state;
    if (state == live->told_state) {
        return;
    }
    ag_value *data = ag_value_object();
    if (live->told_state >= 0) {
        set_text(data, "from", ag_run_state_words[live->told_state]);
    }
    set_text(data, "to", ag_run_state_words[state]);
    (void)ag_value_set(data, "pid", ag_value_int(live->row.pid));
    live->told_state = state;
    tell(c, live, &(struct ag_record_spec){.kind = "state", .text = ag_run_state_words[state]},
         data);
}

void ag_event_parked(struct ag_change_set *c, struct ag_live *live)
{
    ag_value *data = live->row.wake_at != 0 ? ag_value_object() : NULL;
    set_time(data, "until", live->row.wake_at);
    tell(c, live, &(struct ag_record_spec){.kind = "parked"}, data);
}

void ag_event_step_start(struct ag_change_set *c, struct ag_live *live,
                         const struct ag_step_start *start)
{
    ag_value *data = ag_value_object();
    (void)ag_value_set(data, "attempt", ag_value_int(start->attempt));
    set_time(data, "until", start->until);
    if (start->total_steps > 0) {
        (void)ag_value_set(data, "current_step", ag_value_int(start->current_step));
        (void)ag_value_set(data, "total_steps", ag_value_int(start->total_steps));
    }
    set_text(data, "doing", start->doing);
    tell(c, live,
         &(struct ag_record_spec){.kind = "step_start", .text = start->step, .path = start->path},
         data);
}

void ag_event_step_complete(struct ag_change_set *c, struct ag_live *live,
                            const struct ag_step_complete *complete)
{
    ag_value *data = ag_value_object();
    (void)ag_value_set(data, "attempt", ag_value_int(complete->attempt));
    set_text(data, "status", ag_step_status_words[complete->status]);
    set_text(data, "next_step", complete->next_step);
    tell(c, live,
         &(struct ag_record_spec){
             .kind = "step_complete", .text = complete->step, .path = complete->path},
         data);
}

static void tell_of_question(struct ag_change_set *c, struct ag_live *live, const char *kind,
                             const struct ag_question *q, ag_value *data)
{
    tell(c, live,
         &(struct ag_record_spec){.kind = kind, .path = q->path, .question_id = q->question_id},
         data);
}

void ag_event_question(struct ag_change_set *c, struct ag_live *live, const struct ag_question *q)
{
    ag_value *data = ag_value_object();
    set_text(data, "kind", ag_question_kind_words[q->kind]);
    tell_of_question(c, live, "question", q, data);
}

void ag_event_answer(struct ag_change_set *c, struct ag_live *live, const struct ag_question *q)
{
    ag_value *data = ag_value_object();
    set_text(data, "answered_by", q->answered_by);
    set_text(data, "answered_via", q->answered_via);
    tell_of_question(c, live, "answer", q, data);
}

int ag_event_message(struct ag_change_set *c, struct ag_live *live, const struct ag_message *m,
                     const char *client_key, argo_error **err)
{
    ag_value *data = ag_record_encode(&ag_message_record, m);
    if (data == NULL) {
        return ag_error_nomem(err);
    }
    tell(c, live,
         &(struct ag_record_spec){.kind = "message", .text = m->type, .client_key = client_key},
         data);
    return 0;
}

void ag_event_config(struct ag_change_set *c, struct ag_live *live)
{
    tell(c, live, &(struct ag_record_spec){.kind = "config"}, ag_value_ref(live->row.config));
}

void ag_event_expired(struct ag_change_set *c, struct ag_live *live, const struct ag_question *q)
{
    tell_of_question(c, live, "expired", q, NULL);
}
