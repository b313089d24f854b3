/*
 * Goal: nothing that was acknowledged is lost, doubled, oversold or changed, whatever the disk, the clock and the memory do
 * and wherever the process ends; and the engine works on afterwards.
 * Method: the whole engine (inbox, shard, ledger, journal) on one thread in a simulated world (env_sim.h). A run is many lives
 * of a server over one data directory: clients send what the model's test makes up (play.h), repeat by its id what was not
 * answered, and the world fails now and then and ends at any call on the disk. A run draws which faults there are and how often
 * (swarm), from one seed split per subsystem.
 *
 * The judge follows the feed. Every decision told is decided by the naive model too, and applied to a second ledger:
 *
 *     answers    only when durable; each is the decision of this very command in the feed, after any number of crashes
 *     feed       what was told is there after a crash, byte for byte
 *     once       a command decided twice within the window of ids is refused by the model
 *     figures    of model, second ledger and engine are the same; state hash after recovery is that of the second ledger
 *     damage     bits, sectors and writes that went astray: refused as DAMAGED, nothing modified; cut only what no later frame
 *                vouches for
 *     past       a start takes the newest checkpoint that is sound, and has the same state by any; old segments that are packed
 *                say what they said, and those that are dropped were needed by nobody
 *     failure    after a failed flush nothing is acknowledged before the next start
 *     at last    when nothing fails any more all is answered
 *
 * test_sim [--seeds N] [--first S] [--jobs J]   many runs; a failure is shrunk, and printed with the command that repeats it
 *     --find: only that
 * test_sim --seed S [--commands N] [--without LETTERS] [--trace]   one run
 */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS, mallopt */
#include <malloc.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sim_run.h"

#define TWICE_ONE_IN    64 /* runs are repeated, and must be the same */
#define JOBS_MAX        64
#define SHRINK_S        30 /* a run that takes longer has failed */
#define SEEDS_FOR_MARKS 5000 /* so many meet every mark, but perhaps the three that are rarest */
#define MARKS_MISSED    3

/* Of all processes, in memory that they share. */
struct tally {
    _Atomic uint64_t next, runs, answered, crashes, lives, simulated_s, repeated;
    _Atomic uint64_t marks[SIM_MARK_COUNT], paths[PATH_COUNT];
    uint64_t seed_of[JOBS_MAX]; /* that the process is at */
};

struct wish {
    uint64_t first, seeds, jobs;
    uint32_t commands, without;
    bool one, traced;
    bool find; /* the first that fails is all that is asked for: nothing is shrunk, nor need all be met */
};

static void run_counted(const struct wish *wish, uint64_t seed, struct tally *tally)
{
    uint64_t result = run_seed(seed, wish->commands, wish->without, wish->traced);
    tally->runs++;
    tally->answered += sr.answered;
    tally->crashes += sr.crashes - CRASHES_LEAST;
    tally->lives += sr.lives;
    tally->simulated_s += (uint64_t)(sr.sim.now_ns / 1000000000);
    if (wish->traced || seed % TWICE_ONE_IN != 0)
        return;
    if (run_seed(seed, wish->commands, wish->without, false) != result)
        violation("the same seed gives another result");
    tally->repeated++;
}

/* A process's part: the next seed that nobody has, until there is none. */
static void work(const struct wish *wish, unsigned job, struct tally *tally)
{
    static char said[8192]; /* whatever it says comes in one piece */
    (void)setvbuf(stderr, said, _IOFBF, sizeof(said));
    pid_t parent = getppid();
    for (uint64_t n; (n = tally->next++) < wish->seeds;) {
        if (getppid() != parent)
            exit(2); /* nobody waits any more */
        tally->seed_of[job] = wish->first + n;
        run_counted(wish, wish->first + n, tally);
    }
    for (unsigned m = 0; m < SIM_MARK_COUNT; m++)
        tally->marks[m] += sim_marks[m];
    for (unsigned p = 0; p < PATH_COUNT; p++)
        tally->paths[p] += paths[p];
}

/* Does the run fail, in a process of its own that says nothing? */
static bool fails(uint64_t seed, uint32_t commands, uint32_t without)
{
    (void)fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        if (freopen("/dev/null", "w", stderr) == NULL || freopen("/dev/null", "w", stdout) == NULL)
            _exit(2);
        (void)alarm(SHRINK_S);
        uint64_t result = run_seed(seed, commands, without, false);
        _exit(run_seed(seed, commands, without, false) == result ? 0 : 1);
    }
    int status = 0;
    return child > 0 && waitpid(child, &status, 0) == child && status != 0;
}

/* Takes away what is not needed for it to fail: kinds of faults, then commands. */
static void shrink(uint64_t seed, uint32_t commands, uint32_t without)
{
    if (!fails(seed, commands, without)) {
        fprintf(stderr, "  alone it does not fail: what it fails by is not in the seed\n");
        return;
    }
    for (unsigned f = 0; f < FAULT_COUNT; f++)
        if (fails(seed, commands, without | 1u << f))
            without |= 1u << f;
    for (uint32_t step = commands / 2; step > 0; step /= 2)
        while (commands > step && fails(seed, commands - step, without))
            commands -= step;
    char letters[FAULT_COUNT + 1] = "";
    for (unsigned f = 0, n = 0; f < FAULT_COUNT; f++)
        if (without >> f & 1)
            letters[n++] = fault_letters[f];
    fprintf(stderr, "  shrunk; to repeat it: test_sim --seed %" PRIu64 " --commands %u%s%s\n", seed, commands,
            without != 0 ? " --without " : "", letters);
    pid_t child = fork();
    if (child == 0) {
        (void)alarm(SHRINK_S);
        (void)run_seed(seed, commands, without, false);
        _exit(0);
    }
    (void)waitpid(child, NULL, 0); /* which says it once more, shrunk */
}

static int run_many(const struct wish *wish, struct tally *tally)
{
    pid_t children[JOBS_MAX];
    for (unsigned j = 0; j < wish->jobs; j++) {
        children[j] = fork();
        if (children[j] == 0) {
            work(wish, j, tally);
            exit(0);
        }
        if (children[j] < 0)
            exit(2);
    }
    uint64_t failed = 0;
    bool good = true;
    for (unsigned left = (unsigned)wish->jobs; left > 0; left--) {
        int status = 0;
        pid_t child = wait(&status);
        for (unsigned j = 0; j < wish->jobs; j++)
            if (children[j] == child && status != 0 && good) {
                good = false;
                failed = tally->seed_of[j];
                tally->next = wish->seeds; /* the others end with what they are at */
            }
    }
    if (!good) {
        fprintf(stderr, "  seed %" PRIu64 " fails: test_sim --seed %" PRIu64 " --commands %u\n", failed, failed,
                wish->commands);
        if (!wish->find)
            shrink(failed, wish->commands, wish->without);
    }
    return good ? 0 : 1;
}

static bool report(const struct wish *wish, const struct tally *tally, double s)
{
    bool good = true;
    unsigned met = 0;
    printf("# met, in all runs:\n");
    for (unsigned m = 0; m < SIM_MARK_COUNT; m++) {
        printf("# %-40s%12" PRIu64 "\n", sim_mark_words[m], tally->marks[m]);
        met += tally->marks[m] > 0;
    }
    for (unsigned p = 0; p < PATH_COUNT; p++) {
        printf("# %-40s%12" PRIu64 "\n", path_words[p], tally->paths[p]);
        met += tally->paths[p] > 0;
    }
    printf("# %u of %u marks met\n", met, SIM_MARK_COUNT + PATH_COUNT);
    if (!wish->find && wish->seeds >= SEEDS_FOR_MARKS && met + MARKS_MISSED < SIM_MARK_COUNT + PATH_COUNT) {
        printf("# not all was met: the simulation does not test what it says\n");
        good = false;
    }
    printf("# %" PRIu64 " runs (%" PRIu64 " of them twice, with the same result), %" PRIu64 " lives, %" PRIu64 " crashes, %" PRIu64
           " commands answered\n", tally->runs, tally->repeated, tally->lives, tally->crashes, tally->answered);
    printf("# %.1f days simulated in %.1f s: %.0f x real time; %.1f runs/s\n", (double)tally->simulated_s / 86400, s,
           (double)tally->simulated_s / s, (double)tally->runs / s);
    return good;
}

static uint64_t number_of(const char *argument)
{
    char *end;
    uint64_t value = strtoull(argument, &end, 10);
    if (*argument == '\0' || *end != '\0') {
        fprintf(stderr, "not a number: %s\n", argument);
        exit(2);
    }
    return value;
}

static void read_arguments(int argc, char **argv, struct wish *wish)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--trace") == 0) {
            wish->traced = true;
            continue;
        }
        if (strcmp(argv[i], "--find") == 0) {
            wish->find = true;
            continue;
        }
        if (i + 1 == argc) {
            fprintf(stderr, "usage: test_sim [--seeds N] [--first S] [--jobs J] [--commands N]\n"
                            "       test_sim --seed S [--commands N] [--without LETTERS] [--trace]\n");
            exit(2);
        }
        const char *value = argv[++i];
        if (strcmp(argv[i - 1], "--without") == 0) {
            for (unsigned f = 0; f < FAULT_COUNT; f++)
                wish->without |= strchr(value, fault_letters[f]) != NULL ? 1u << f : 0;
            continue;
        }
        uint64_t number = number_of(value);
        if (strcmp(argv[i - 1], "--seeds") == 0)
            wish->seeds = number;
        else if (strcmp(argv[i - 1], "--first") == 0)
            wish->first = number;
        else if (strcmp(argv[i - 1], "--jobs") == 0 && number >= 1 && number <= JOBS_MAX)
            wish->jobs = number;
        else if (strcmp(argv[i - 1], "--commands") == 0 && number <= 1200)
            wish->commands = (uint32_t)number;
        else if (strcmp(argv[i - 1], "--seed") == 0) {
            wish->first = number;
            wish->seeds = 1;
            wish->one = true;
        } else {
            fprintf(stderr, "no such option or value: %s %s\n", argv[i - 1], value);
            exit(2);
        }
    }
}

int main(int argc, char **argv)
{
    struct wish wish = {.first = 1, .seeds = 100, .jobs = 1, .commands = 1000};
    read_arguments(argc, argv, &wish);
    /* Large pieces are had from the system each time: it gives zeros without touching them. */
    (void)mallopt(M_MMAP_THRESHOLD, 256 * 1024);
    struct tally *tally = mmap(NULL, sizeof(*tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (tally == MAP_FAILED)
        return 2;
    printf("1..1\n# seeds %" PRIu64 " to %" PRIu64 ", %u commands each\n", wish.first, wish.first + wish.seeds - 1,
           wish.commands);
    (void)fflush(stdout);
    struct timespec begin, end;
    (void)clock_gettime(CLOCK_MONOTONIC, &begin);
    int code = 0;
    if (wish.one)
        work(&wish, 0, tally);
    else
        code = run_many(&wish, tally);
    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    double s = (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
    if (code == 0 && !report(&wish, tally, s))
        code = 1;
    printf("%s 1 - nothing acknowledged is lost, doubled, oversold or changed\n", code == 0 ? "ok" : "not ok");
    return code;
}
