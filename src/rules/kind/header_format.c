#include "rules/kind/header_format.h"

/* Where in a value the reader is. */
enum place {
    LITERAL,
    NAME,         /* behind a %, in front of ( or % */
    ARGUMENT,     /* behind (: a list in brackets or plain text */
    TEXT,         /* in plain text, or in a text in quotes */
    LIST,         /* in a list, in front of a quote */
    BEHIND_TEXT,  /* in a list, behind a text */
    LIST_END,     /* behind ], in front of ) */
    VARIABLE_END, /* behind ), in front of % */
    BROKEN,
};

/* What a character leads to; a space changes nothing where only marks are expected. */
static enum place step(enum place place, char c)
{
    switch (place) {
    case NAME:
        return c == '%' ? LITERAL : c == '(' ? ARGUMENT : NAME;
    case ARGUMENT:
        return c == '[' ? LIST : c == ' ' ? ARGUMENT : TEXT;
    case TEXT:
        return c == ')' ? VARIABLE_END : c == '"' ? BEHIND_TEXT : TEXT;
    case LIST:
        return c == '"' ? TEXT : c == ' ' ? LIST : BROKEN;
    case BEHIND_TEXT:
        return c == ',' ? LIST : c == ']' ? LIST_END : c == ' ' ? BEHIND_TEXT : BROKEN;
    case LIST_END:
        return c == ')' ? VARIABLE_END : c == ' ' ? LIST_END : BROKEN;
    case VARIABLE_END:
        return c == '%' ? LITERAL : c == ' ' ? VARIABLE_END : BROKEN;
    default:
        return c == '%' ? NAME : LITERAL;
    }
}

bool header_format_is_sound(struct bytes value)
{
    enum place place = LITERAL;
    for (size_t i = 0; i < value.len && place != BROKEN; i++) {
        bool last = i + 1 == value.len;
        if (place == LITERAL && value.at[i] == '%' && !last && value.at[i + 1] == '%')
            i++;
        else if (place == TEXT && value.at[i] == '\\' && !last)
            i++;
        else
            place = step(place, value.at[i]);
    }
    return place == LITERAL;
}
