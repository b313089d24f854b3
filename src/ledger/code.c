#include "ledger/code.h"

static const struct {
    const char *name;
    const char *meaning;
    int http;
} codes[CODE_COUNT] = {
#define X(name, http, meaning) {#name, meaning, http},
    CODE_MAP(X)
#undef X
};

const char *code_name(enum code code)
{
    return codes[code].name;
}

int code_http(enum code code)
{
    return codes[code].http;
}

const char *code_meaning(enum code code)
{
    return codes[code].meaning;
}
