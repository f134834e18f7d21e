# Everything here does its own set-up: Node packages by npm; system packages by apt where that is possible.

export PATH := $(CURDIR)/node_modules/.bin:$(PATH)
# Read by the tests on Kubernetes.
export K8S
# More options for Node's test runner.
export TEST_FLAGS

.DEFAULT_GOAL := help
.PHONY: help demo recording test hostile kube-test image-test interop e2e e2e-full mutants fuzz bench bench-operator build image image-offline release lint format reference clean

help: ## show what can be made
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: node_modules ## watch players on two edges while an origin is killed (DEMO_SECONDS=30: ends by itself)
	@node test/support/system-packages.ts demo
	@node test/demo/demo.ts

recording: node_modules ## record the demo as the picture in README, edge/docs/demo.svg
	@node test/support/system-packages.ts demo
	@node test/demo/record.ts

test: node_modules ## check types and style, then run all tests
	@node test/support/system-packages.ts test
	@npm run -s lint
	@npm run -s test

hostile: node_modules ## see that no hostile client harms an honest one (HOSTILE=row,… selects rows; HOSTILE_SECONDS=8)
	@node test/support/system-packages.ts hostile
	@node test/hostile/hostile.ts

kube-test: node_modules ## run the tests of the operator on a real Kubernetes API (K8S=1.30: of that version; USE_EXISTING_CLUSTER=true)
	@node test/support/system-packages.ts kube-test
	@node test/support/kubernetes-tools.ts >/dev/null
	@node test/support/crd-validators.ts
	@npm run -s kube-test

interop: node_modules ## see that OBS Studio, VLC and mpv outlive an origin (large programs: not a part of make test)
	@node test/support/system-packages.ts interop
	@npm run -s interop

image-test: node_modules ## build the container image offline and run it (IMAGE=: one that is there already)
	@node test/support/system-packages.ts image
	@node --test --test-timeout=900000 test/image/image.test.ts

e2e: node_modules ## run the tier on real nodes: containerd, kubelets, the image, the chart (SCENARIO=NAME… selects; KEEP=1: stays)
	@node test/support/system-packages.ts e2e
	@node test/e2e-nodes/e2e.ts $(if $(KEEP),--keep) $(SCENARIO)

e2e-full: node_modules ## the same with every scenario
	@node test/support/system-packages.ts e2e
	@node test/e2e-nodes/e2e.ts $(if $(KEEP),--keep) --full

bench: node_modules ## measure against nginx-rtmp, and against SRS where SRS_BIN says where it is
	@node test/support/system-packages.ts bench
	@npm run -s build
	@node test/bench/bench.ts $(BENCH)

fuzz: node_modules ## feed the edge with arbitrary input (FUZZ_SECONDS=60, TARGET=: one of them; seeds are printed)
	@node test/fuzz/fuzz.ts $(or $(FUZZ_SECONDS),60) $(TARGET)

mutants: node_modules ## see which small changes of the edge's code no test notices (PART=stream, rtmp or upstream; SAMPLE=10: a tenth; takes long)
	@node test/mutants/mutants.ts $(PART)

bench-operator: node_modules ## measure the operator with 500 EdgeClusters and 5,000 simulated edges on a real Kubernetes API
	@node test/support/system-packages.ts bench-operator
	@node test/support/kubernetes-tools.ts >/dev/null
	@npm run -s build
	@node test/bench/operator/bench.ts $(BENCH)

build: node_modules ## compile to dist/, as it is deployed; `npm start -- -c FILE` runs that
	@npm run -s build

image: node_modules ## build the container image edgecluster:VERSION with docker or buildah (IMAGE=, BASE=, BUILD_BASE=, PLATFORM=)
	@node test/image/build.ts

image-offline: node_modules ## the same where no registry is in reach: from a local root file system, with buildah
	@node test/support/system-packages.ts image
	@node test/image/build.ts --offline

release: node_modules ## write a version's image, chart, package, SBOM and checksums to release/ (VERSION=; BASE=, BUILD_BASE= with digests)
	@node test/support/system-packages.ts release
	@node test/release/release.ts

lint: node_modules ## check types, style, and who imports whom
	@npm run -s lint

format: node_modules ## format all sources
	@npm run -s format

reference: node_modules ## write again what is generated: references, types, the chart's copy of the CRD and its table
	@node edge/conf/reference.ts
	@node operator/api/generate.ts
	@node test/helm/values-table.ts
	@node test/bench/capacity.ts

# Not `npm ci`: it refuses wherever a registry lacks an optional package, such as a linter's for another system.
node_modules: package.json package-lock.json
	@npm install --no-save --no-audit --no-fund --loglevel=error
	@touch node_modules

clean: ## remove what was installed and cached in this folder
	rm -rf node_modules .cache dist
