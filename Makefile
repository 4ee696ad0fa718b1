# Tidemill. `make help` lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

# DuckDB's Arrow interface stands behind a build tag; every go command needs it.
export GOFLAGS := -buildvcs=false -tags=duckdb_arrow
VERSION := $(shell git describe --tags --always 2>/dev/null || echo dev)
BIN := bin/tidemill

.DEFAULT_GOAL := help
.PHONY: help build demo test unit race e2e lint fmt bench services docs clean

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

build: ## build bin/tidemill
	go build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o $(BIN) ./cmd/tidemill

demo: build ## build, then run the main job on the embedded default: events to tested tables
	$(BIN) demo --once

test: services lint race e2e ## install what the tests need, then pass all of them
	@echo "all tests passed"

unit: ## the quick tests, without services
	go test ./internal/... ./project/... ./jinja/... ./sqlgen/... ./decode/... ./tidetest ./pipeline/... .

race: ## every package's tests under the race detector
	go test -race -timeout 15m $$(go list ./... | grep -v /e2e)

e2e: build ## the binary against real services: kill -9, broker restarts
	go test -timeout 20m -count=1 ./e2e/...

lint: ## formatting, vet, golangci-lint
	scripts/lint

fmt: ## format all Go files
	scripts/tool gofumpt -w $$(git ls-files '*.go')

bench: build ## measure, with the floor in the same run; docs/benchmarks.md keeps the figures
	go run ./bench

services: ## install what the tests need (RabbitMQ, PostgreSQL, ElasticMQ, versitygw, moto); quick when it is there
	scripts/install-services

docs: ## write the reference pages that derive from the code
	go test ./cmd/tidemill -run Reference -update

clean: ## remove what was built
	rm -rf bin .cache
