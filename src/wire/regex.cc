#include "wire/regex.h"

#include <new>
#include <re2/re2.h>

struct regex {
    re2::RE2 compiled;
    regex(const re2::StringPiece &pattern, const re2::RE2::Options &options) : compiled(pattern, options)
    {
    }
};

static re2::RE2::Options bounded()
{
    re2::RE2::Options options;
    options.set_log_errors(false);
    options.set_max_mem(1 << 20);
    options.set_never_capture(false);
    return options;
}

static regex *compile(bytes pattern, struct fail *why)
{
    regex *made = new regex(re2::StringPiece(pattern.len ? pattern.at : "", pattern.len), bounded());
    if (made->compiled.ok())
        return made;
    fail(why, FAIL_INPUT, "%s", made->compiled.error().c_str());
    delete made;
    return nullptr;
}

struct regex *regex_new(struct bytes pattern, struct fail *why)
{
    if (pattern.len > REGEX_TEXT_MAX) {
        fail(why, FAIL_LIMIT, "a regular expression has at most %d bytes", REGEX_TEXT_MAX);
        return nullptr;
    }
    /* RE2's message shows the pattern: what is no UTF-8 must not get into it. */
    if (!bytes_is_utf8(pattern)) {
        fail(why, FAIL_INPUT, "the regular expression is not UTF-8");
        return nullptr;
    }
    try {
        return compile(pattern, why);
    } catch (...) {
        fail(why, FAIL_SELF, "the regular expression could not be compiled");
        return nullptr;
    }
}

void regex_free(struct regex *regex)
{
    delete regex;
}

bool regex_matches(const struct regex *regex, struct bytes text)
{
    try {
        return re2::RE2::FullMatch(re2::StringPiece(text.len ? text.at : "", text.len), regex->compiled);
    } catch (...) {
        return false;
    }
}

static re2::StringPiece piece(struct bytes bytes)
{
    return re2::StringPiece(bytes.len ? bytes.at : "", bytes.len);
}

bool regex_replace(const struct regex *regex, struct bytes text, struct bytes rewrite, char *out, size_t room,
                   size_t *len)
{
    /* Grows at most by REGEX_REWRITE_MAX for each byte of the text, and the text for each reference. */
    try {
        std::string changed(text.len ? text.at : "", text.len);
        re2::RE2::GlobalReplace(&changed, regex->compiled, piece(rewrite));
        if (changed.size() > room)
            return false;
        changed.copy(out, changed.size());
        *len = changed.size();
        return true;
    } catch (...) {
        return false;
    }
}

bool regex_rewrite_check(const struct regex *regex, struct bytes rewrite, struct fail *why)
{
    if (rewrite.len > REGEX_REWRITE_MAX)
        return fail(why, FAIL_LIMIT, "a rewrite has at most %d bytes", REGEX_REWRITE_MAX);
    try {
        std::string error;
        int named = re2::RE2::MaxSubmatch(piece(rewrite)), groups = regex_groups(regex);
        if (named > groups)
            return fail(why, FAIL_INPUT, "names group %d of an expression that has %d", named, groups);
        if (!regex->compiled.CheckRewriteString(piece(rewrite), &error))
            return fail(why, FAIL_INPUT, "behind a \\ belongs the number of a group or another \\");
        return true;
    } catch (...) {
        return fail(why, FAIL_SELF, "the rewrite could not be checked");
    }
}

int regex_groups(const struct regex *regex)
{
    return regex->compiled.NumberOfCapturingGroups();
}
