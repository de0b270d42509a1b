# SPDX-License-Identifier: MPL-2.0
#
# Needs Go, make, git, and for the end-to-end tests Node.js with npm. "make" lists the targets.

.POSIX:
.PHONY: help build dist check test bench demo fuzz soak vault clean lint

GO = go
FUZZTIME = 60s
NAME = vault-plugin-secrets-oauth
# The race detector needs a C compiler; without one the tests run without it.
RACE = $$([ "$$($(GO) env CGO_ENABLED)" != 1 ] || echo -race)

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1: /p' Makefile | while IFS=: read -r target text; do \
		printf '  make %-6s %s\n' "$$target" "$$text"; done

build: ## the plugin, as bin/vault-plugin-secrets-oauth
	CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -ldflags "-X main.version=$$(scripts/version.sh)" -o bin/$(NAME) ./cmd/$(NAME)

dist: ## the plugin for every platform, with checksums and a bill of materials each, in dist
	@scripts/dist.sh

check: lint ## format, vet, staticcheck and the quick tests: under a minute when warm
	$(GO) test $(RACE) -short -shuffle=on ./...

test: lint vault ## everything, with a real Vault and real authorization servers (the first time builds Vault: ten minutes)
	$(GO) test $(RACE) -shuffle=on ./...
	$(GO) test -C tools/demo $(RACE) -shuffle=on ./...
	$(GO) test -C tools/pocketbase ./...
	VAULT_BIN="$$(scripts/vault.sh)" E2E=1 $(GO) test $(RACE) -shuffle=on -count=1 -timeout=45m ./test/e2e

bench: ## cached reads through a real Vault, beside a plugin that does nothing and an earlier revision: five minutes (ROUNDS, SECONDS, CLIENTS, BASE)
	@$(GO) run ./test/bench

demo: ## shows the engine at work in a Vault of its own, KEEP=1 to try it (the first time builds Vault: ten minutes)
	@scripts/demo.sh

fuzz: ## each fuzz target for FUZZTIME (60s)
	FUZZTIME=$(FUZZTIME) scripts/fuzz.sh

soak: ## kills the plugin at random for five minutes (FOR=30m), and proves that no token and no refresh token is lost (FLAGS: see test/soak)
	$(GO) run ./test/soak -for "$${FOR:-5m}" $${FLAGS:-}

vault: ## the vault command that demo and tests use: finds or builds it, and prints where it is
	@scripts/vault.sh

clean: ## removes what the other targets made here (Vault stays in the user's cache directory)
	rm -rf bin dist test/e2e/oidc/node_modules

lint:
	@unformatted=$$(gofmt -l .); [ -z "$$unformatted" ] || { echo "gofmt -w these:" "$$unformatted"; exit 1; }
	$(GO) vet ./...
	$(GO) vet -C tools/demo ./...
	$(GO) vet -C tools/pocketbase ./...
	$(GO) tool -modfile=tools/lint/go.mod staticcheck ./...
