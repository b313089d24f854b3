/*
 * A description has every change up to some year, one by one, and a rule in the syntax of POSIX's TZ for all later ones:
 *
 *     CET-1CEST,M3.5.0,M10.5.0/3      winter and summer name, hours west, first and last day of summer time
 *
 * Some systems write out all changes to 2037, others stop at the last one that the rule does not explain. Both are read
 * alike: what is written out first, then the rule behind the last of it.
 */
#include "api/zone_file.h"

#define HEADER_BYTES 44
#define TYPE_BYTES   6
#define DAY_S        INT64_C(86400)

bool zone_name_valid(struct text name)
{
    bool slash = true; /* none at the beginning */
    if (name.length == 0 || name.length > ZONE_NAME_BYTES_MAX)
        return false;
    for (uint32_t i = 0; i < name.length; i++) {
        char c = name.bytes[i];
        bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
                      c == '-' || c == '+';
        if (!letter && (c != '/' || slash))
            return false;
        slash = c == '/';
    }
    return !slash;
}

bool zone_offset_read(struct text text, struct zone *out_zone)
{
    static const char form[] = "+00:00";
    if (text.length != 6 || (text.bytes[0] != '+' && text.bytes[0] != '-') || text.bytes[3] != ':')
        return false;
    for (uint32_t i = 1; i < 6; i++) {
        if (form[i] == '0' && (text.bytes[i] < '0' || text.bytes[i] > '9'))
            return false;
    }
    int hours = (text.bytes[1] - '0') * 10 + (text.bytes[2] - '0');
    int minutes = (text.bytes[4] - '0') * 10 + (text.bytes[5] - '0');
    int32_t offset_s = hours * 3600 + minutes * 60;
    if (minutes > 59 || offset_s > ZONE_OFFSET_S_MAX)
        return false;
    out_zone->name = text;
    out_zone->offset_s = text.bytes[0] == '-' ? -offset_s : offset_s;
    out_zone->change_count = 0;
    return true;
}

/* ---- the rule ---- */

/* A day of the year: Mm.w.d (5th week: the last), Jn (1 to 365, without 29 February) or n (0 to 365). */
struct rule_day {
    char form; /* 'M', 'J' or 'N' */
    int month, week, day;
    int64_t time_s; /* of the day, by the clock that is left */
};

struct rule {
    int32_t standard_s, summer_s;
    bool has_summer;
    struct rule_day begin, end; /* of summer time */
};

struct scanner {
    const char *at, *end;
    bool bad;
};

static bool take(struct scanner *s, char c)
{
    if (s->at == s->end || *s->at != c)
        return false;
    s->at++;
    return true;
}

static int take_number(struct scanner *s, int most)
{
    int value = 0;
    const char *start = s->at;
    while (s->at < s->end && *s->at >= '0' && *s->at <= '9' && value <= most)
        value = value * 10 + (*s->at++ - '0');
    s->bad = s->bad || s->at == start || value > most;
    return s->bad ? 0 : value;
}

/* [+-]hh[:mm[:ss]] */
static int64_t take_time(struct scanner *s, int hours_most)
{
    bool negative = take(s, '-');
    if (!negative)
        (void)take(s, '+');
    int64_t seconds = (int64_t)take_number(s, hours_most) * 3600;
    if (take(s, ':'))
        seconds += (int64_t)take_number(s, 59) * 60;
    if (take(s, ':'))
        seconds += take_number(s, 59);
    return negative ? -seconds : seconds;
}

/* Letters, or anything in angle brackets. */
static void pass_name(struct scanner *s)
{
    const char *start = s->at;
    bool quoted = take(s, '<');
    while (s->at < s->end &&
           (quoted ? *s->at != '>' : (*s->at >= 'A' && *s->at <= 'Z') || (*s->at >= 'a' && *s->at <= 'z')))
        s->at++;
    s->bad = s->bad || (quoted ? !take(s, '>') : s->at - start < 3);
}

static void take_day(struct scanner *s, struct rule_day *out_day)
{
    *out_day = (struct rule_day){.form = 'N', .time_s = 2 * 3600};
    if (take(s, 'M')) {
        out_day->form = 'M';
        out_day->month = take_number(s, 12);
        s->bad = s->bad || !take(s, '.');
        out_day->week = take_number(s, 5);
        s->bad = s->bad || !take(s, '.') || out_day->month == 0 || out_day->week == 0;
        out_day->day = take_number(s, 6);
    } else {
        if (take(s, 'J'))
            out_day->form = 'J';
        out_day->day = take_number(s, 365);
        s->bad = s->bad || (out_day->form == 'J' && out_day->day == 0);
    }
    if (take(s, '/'))
        out_day->time_s = take_time(s, 167);
}

static bool read_rule(struct text text, struct rule *out_rule)
{
    struct scanner s = {text.bytes, text.bytes + text.length, false};
    *out_rule = (struct rule){0};
    pass_name(&s);
    out_rule->standard_s = (int32_t)-take_time(&s, 24); /* the rule counts west */
    if (!s.bad && s.at < s.end) {
        out_rule->has_summer = true;
        pass_name(&s);
        out_rule->summer_s = out_rule->standard_s + 3600;
        if (s.at < s.end && *s.at != ',')
            out_rule->summer_s = (int32_t)-take_time(&s, 24);
        s.bad = s.bad || !take(&s, ',');
        take_day(&s, &out_rule->begin);
        s.bad = s.bad || !take(&s, ',');
        take_day(&s, &out_rule->end);
    }
    return !s.bad && s.at == s.end;
}

static bool is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Days from 1970-01-01 to 1 January of a year from 1970 on. */
static int64_t days_to_year(int64_t year)
{
    int64_t past = year - 1;
    return (year - 1970) * 365 + (past / 4 - 492) - (past / 100 - 19) + (past / 400 - 4);
}

/* Seconds from 1970 to that day's time of a year, by the local clock. */
static int64_t rule_moment(const struct rule_day *day, int64_t year)
{
    static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};
    int64_t days = days_to_year(year);
    bool leap = is_leap(year);
    if (day->form == 'N')
        return (days + day->day) * DAY_S + day->time_s;
    if (day->form == 'J')
        return (days + day->day - 1 + (leap && day->day > 59)) * DAY_S + day->time_s;
    int64_t first = days + before[day->month - 1] + (leap && day->month > 2);
    int64_t length = before[day->month] - before[day->month - 1] + (leap && day->month == 2);
    int64_t weekday = (first + 4) % 7; /* 1970-01-01 was a Thursday */
    int64_t offset = (day->day - weekday + 7) % 7 + (day->week - 1) * 7;
    if (offset >= length)
        offset -= 7;
    return (first + offset) * DAY_S + day->time_s;
}

/* ---- the description ---- */

static uint32_t big_u32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static int64_t big_i64(const uint8_t *at)
{
    return (int64_t)((uint64_t)big_u32(at) << 32 | big_u32(at + 4));
}

/* The part with times of 64 bits. */
struct description {
    uint32_t time_count, type_count;
    const uint8_t *times, *indexes, *types;
    struct text rule;
};

/* The size of a part behind its header, or SIZE_MAX. */
static size_t part_bytes(const uint8_t *header, size_t time_bytes, uint32_t counts[6])
{
    for (unsigned i = 0; i < 6; i++) {
        counts[i] = big_u32(header + 20 + 4 * i);
        if (counts[i] > ZONE_FILE_BYTES_MAX)
            return SIZE_MAX;
    }
    /* isutcnt, isstdcnt, leapcnt, timecnt, typecnt, charcnt */
    return counts[3] * (time_bytes + 1) + counts[4] * (size_t)TYPE_BYTES + counts[5] + counts[2] * (time_bytes + 4) +
           counts[1] + counts[0];
}

static bool is_header(const uint8_t *bytes, size_t n)
{
    return n >= HEADER_BYTES && memcmp(bytes, "TZif", 4) == 0 && bytes[4] >= '2';
}

static bool read_description(const uint8_t *bytes, size_t n, struct description *out)
{
    uint32_t counts[6];
    if (!is_header(bytes, n))
        return false;
    size_t first = part_bytes(bytes, 4, counts);
    if (first > n - HEADER_BYTES)
        return false;
    bytes += HEADER_BYTES + first;
    n -= HEADER_BYTES + first;
    if (!is_header(bytes, n))
        return false;
    size_t second = part_bytes(bytes, 8, counts);
    if (second > n - HEADER_BYTES || counts[4] == 0)
        return false;
    *out = (struct description){.time_count = counts[3], .type_count = counts[4], .times = bytes + HEADER_BYTES};
    out->indexes = out->times + (size_t)counts[3] * 8;
    out->types = out->indexes + counts[3];
    for (uint32_t i = 0; i < out->time_count; i++) {
        if (out->indexes[i] >= out->type_count)
            return false;
    }
    const char *footer = (const char *)bytes + HEADER_BYTES + second;
    size_t left = n - HEADER_BYTES - second;
    if (left < 2 || footer[0] != '\n')
        return false;
    const char *end = memchr(footer + 1, '\n', left - 1);
    if (end == NULL)
        return false;
    out->rule = text_of(footer + 1, (size_t)(end - footer - 1));
    return true;
}

static int32_t type_offset(const struct description *description, uint8_t index)
{
    return (int32_t)big_u32(description->types + (size_t)index * TYPE_BYTES);
}

struct window {
    int64_t from_s, to_s;
    struct zone *zone;
    bool bad;
};

/* The offset from this moment on. Moments come in order; of two at once the later counts, as where summer time never ends
 * because it begins when it does. */
static void change(struct window *window, int64_t at_s, int64_t offset_s)
{
    struct zone *zone = window->zone;
    if (zone->change_count != 0 && at_s <= zone->changes[zone->change_count - 1].from_s) {
        window->bad = window->bad || at_s < zone->changes[zone->change_count - 1].from_s;
        zone->change_count--;
    }
    int32_t now_s = zone->change_count == 0 ? zone->offset_s : zone->changes[zone->change_count - 1].offset_s;
    if (offset_s < -ZONE_OFFSET_S_MAX || offset_s > ZONE_OFFSET_S_MAX) {
        window->bad = true;
    } else if (at_s <= window->from_s) {
        zone->offset_s = (int32_t)offset_s;
    } else if (at_s < window->to_s && offset_s != now_s) {
        if (zone->change_count == ZONE_CHANGES_MAX)
            window->bad = true;
        else
            zone->changes[zone->change_count++] = (struct zone_change){at_s, (int32_t)offset_s};
    }
}

/* The rule from behind the last change that is written out. */
static void apply_rule(struct window *window, const struct rule *rule, int64_t after_s)
{
    if (!rule->has_summer) {
        change(window, after_s, rule->standard_s);
        return;
    }
    int64_t year = 1970 + (after_s > window->from_s ? after_s : window->from_s) / (366 * DAY_S) - 1;
    for (year = year < 1970 ? 1970 : year; days_to_year(year) * DAY_S < window->to_s + 366 * DAY_S; year++) {
        int64_t begin_s = rule_moment(&rule->begin, year) - rule->standard_s;
        int64_t end_s = rule_moment(&rule->end, year) - rule->summer_s;
        bool north = begin_s < end_s;
        int64_t first_s = north ? begin_s : end_s, second_s = north ? end_s : begin_s;
        if (first_s > after_s)
            change(window, first_s, north ? rule->summer_s : rule->standard_s);
        if (second_s > after_s)
            change(window, second_s, north ? rule->standard_s : rule->summer_s);
    }
}

bool zone_file_read(const uint8_t *bytes, size_t n, struct text name, int64_t from_s, int64_t to_s,
                    struct zone *out_zone)
{
    struct description description;
    struct rule rule;
    if (!read_description(bytes, n, &description))
        return false;
    out_zone->name = name;
    out_zone->change_count = 0;
    out_zone->offset_s = 0;
    struct window window = {from_s, to_s, out_zone, false};
    int64_t last_s = INT64_MIN;
    change(&window, INT64_MIN, type_offset(&description, 0));
    for (uint32_t i = 0; i < description.time_count && !window.bad; i++) {
        int64_t at_s = big_i64(description.times + (size_t)i * 8);
        if (i != 0 && at_s <= last_s)
            return false;
        last_s = at_s;
        change(&window, at_s, type_offset(&description, description.indexes[i]));
    }
    if (description.rule.length != 0) {
        if (!read_rule(description.rule, &rule))
            return false;
        apply_rule(&window, &rule, last_s);
    }
    return !window.bad;
}
