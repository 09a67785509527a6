/*
 * Values of parameters against their declarations.
 */
#ifndef AG_TEMPLATE_PARAMETERS_H
#define AG_TEMPLATE_PARAMETERS_H

#include "wire/value.h"

/* Whether V is a value of the parameter that DECLARED (an object with `type` and `values`)
 * declares; *OUT is then a new reference to it. With FROM_TEXT the text of a number, a boolean
 * or an enum's value counts as that. *EXPECTED is what to say otherwise: the caller frees it. */
bool ag_parameter_convert(const ag_value *declared, const ag_value *v, bool from_text,
                          ag_value **out, char **expected);

#endif
