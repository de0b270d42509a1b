// SPDX-License-Identifier: MPL-2.0

package client_test

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/hashicorp/vault/api"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/client"
)

func Example() {
	// What stands for Vault and for an API that has revoked the first token.
	vaultServer := httptest.NewServer(newVault())
	defer vaultServer.Close()
	storeServer := httptest.NewServer(&store{code: http.StatusUnauthorized, rejected: map[string]bool{"token-1": true}})
	defer storeServer.Close()

	// Address and token are usually in the environment: VAULT_ADDR, VAULT_TOKEN.
	config := api.DefaultConfig()
	config.Address = vaultServer.URL
	vault, err := api.NewClient(config)
	if err != nil {
		log.Fatal(err)
	}
	vault.SetToken(vaultToken)

	source, err := client.New(client.Config{Vault: vault, Mount: "oauth", Role: "orders"})
	if err != nil {
		log.Fatal(err)
	}
	orders := source.HTTPClient(nil)

	resp, err := orders.Get(storeServer.URL + "/orders")
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.Status, "with", string(text))
	// Output: 200 OK with token-2
}

// For libraries that take an oauth2.TokenSource.
func ExampleSource_Token() {
	vaultServer := httptest.NewServer(newVault())
	defer vaultServer.Close()
	config := api.DefaultConfig()
	config.Address = vaultServer.URL
	vault, err := api.NewClient(config)
	if err != nil {
		log.Fatal(err)
	}
	vault.SetToken(vaultToken)

	source, err := client.New(client.Config{Vault: vault, Role: "orders"})
	if err != nil {
		log.Fatal(err)
	}
	token, err := source.Token()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(token.Type(), token.AccessToken, token.Extra("instance_url"))
	// Output: Bearer token-1 https://eu.example.com
}
