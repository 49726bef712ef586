#include "wire/regex.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

/* The first line is the expression, the rest the text. */
int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
    struct bytes text = bytes_make(at, len);
    struct bytes pattern = {0};
    struct fail why;
    bytes_cut(&text, '\n', &pattern);
    struct regex *regex = regex_new(pattern, &why);
    if (regex)
        regex_matches(regex, text);
    regex_free(regex);
    return 0;
}
