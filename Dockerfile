# SPDX-License-Identifier: MPL-2.0
#
# The plugin for Vault's containerised plugins (Vault 1.15 or later, on Linux); docs/install.md registers it.
#
#   docker build --build-arg VERSION=v1.2.3 -t vault-plugin-secrets-oauth:1.2.3 .
FROM golang:1.26 AS build
ENV GOMODCACHE=/cache/mod GOCACHE=/cache/build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/cache go mod download
COPY . .
# What the plugin reports to Vault, which compares it with -version of "vault plugin register".
ARG VERSION=v0.0.0-dev
RUN --mount=type=cache,target=/cache \
    CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-X main.version=$VERSION" \
    -o /out/vault-plugin-secrets-oauth ./cmd/vault-plugin-secrets-oauth

FROM scratch
ARG VERSION=v0.0.0-dev
LABEL org.opencontainers.image.title="vault-plugin-secrets-oauth" \
      org.opencontainers.image.description="OAuth secrets engine for HashiCorp Vault" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.licenses="MPL-2.0"
# Authorization servers are reached by HTTPS: the certificate authorities that an empty image lacks.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/vault-plugin-secrets-oauth /vault-plugin-secrets-oauth
# Nobody in particular. Vault adds its own group to the container, by which both reach their socket.
USER 65532:65532
ENTRYPOINT ["/vault-plugin-secrets-oauth"]
