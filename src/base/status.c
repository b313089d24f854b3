#include "base/status.h"

const char *status_text(enum status status)
{
    switch (status) {
#define X(name, text, remedy)                                                                                          \
    case STATUS_##name:                                                                                                \
        return text;
        STATUS_MAP(X)
#undef X
    }
    return "unknown status";
}

const char *status_remedy(enum status status)
{
    switch (status) {
#define X(name, text, remedy)                                                                                          \
    case STATUS_##name:                                                                                                \
        return remedy;
        STATUS_MAP(X)
#undef X
    }
    return "report this";
}
