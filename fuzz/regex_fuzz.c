#include "wire/regex.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

/* The first line is the expression, the second what a match becomes, the rest the text. */
int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
    struct bytes text = bytes_make(at, len);
    struct bytes pattern = {0}, rewrite = {0};
    struct fail why;
    char out[1024];
    size_t len_out;
    bytes_cut(&text, '\n', &pattern);
    bytes_cut(&text, '\n', &rewrite);
    struct regex *regex = regex_new(pattern, &why);
    if (regex)
        regex_matches(regex, text);
    if (regex && regex_rewrite_check(regex, rewrite, &why))
        regex_replace(regex, text, rewrite, out, sizeof out, &len_out);
    regex_free(regex);
    return 0;
}
