// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
)

// get prints the body of a GET, which must be answered with 2xx. A header is given as "Name: value".
func get(ctx context.Context, args []string, stdout io.Writer) error {
	if len(args) < 1 || len(args) > 2 {
		return errors.New("usage: " + name + " get URL [HEADER]")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, args[0], nil)
	if err != nil {
		return err
	}
	if len(args) == 2 {
		name, value, _ := strings.Cut(args[1], ":")
		req.Header.Set(name, strings.TrimSpace(value))
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("%s answered %s", args[0], res.Status)
	}
	_, err = io.Copy(stdout, res.Body)
	return err
}

// port prints a port that the kernel had free a moment ago.
func port(stdout io.Writer) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer listener.Close()
	_, err = fmt.Fprintln(stdout, listener.Addr().(*net.TCPAddr).Port)
	return err
}
