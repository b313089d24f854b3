# Short names only; Meson does the work. `make` alone builds.
.PHONY: build demo run test check night sim bench coverage fuzz install deps deps-test format clean
MESON_FLAGS =
JOBS = $(shell nproc)

build: deps
	@[ -e build/build.ninja ] || echo "building for the first time, about a minute"
	@packaging/build build release
	@ln -sf src/cli/onhand build/onhand

demo: build
	@python3 examples/demo/demo.py

run: build
	build/onhand serve --data data

deps:
	@packaging/deps/install packaging/deps/build.txt

deps-test:
	@packaging/deps/install packaging/deps/build.txt packaging/deps/test.txt

test: deps-test
	@test/tier test

check: deps-test
	@test/tier check

night: deps-test
	@test/tier night $(STEP)

SEEDS = 2000
FIRST = 1
sim: deps-test
	@packaging/build build-pure pure test/sim/test_sim
	@build-pure/test/sim/test_sim --seeds $(SEEDS) --first $(FIRST) --jobs $(JOBS)

bench: deps-test build
	@bench/run

coverage: deps-test
	@test/coverage

fuzz: deps-test
	@test/fuzz/run $(TIME)

install: build
	meson install -C build

format:
	clang-format -i $$(git ls-files '*.c' '*.h')

clean:
	rm -rf build build-*
