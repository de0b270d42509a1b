// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// runVault is the vault command itself. What it prints is kept, so that no-secrets can search it.
func runVault(s *story, ts *testscript.TestScript, want bool, args []string) error {
	if err := s.cli(ts, args); (err == nil) != want {
		return fmt.Errorf("%v: ended with %v", args, err)
	}
	return nil
}

func (s *story) cli(ts *testscript.TestScript, args []string) error {
	err := ts.Exec("vault", args...)
	s.outputs = append(s.outputs, output{fmt.Sprint(args), ts.ReadFile("stdout") + ts.ReadFile("stderr")})
	return err
}

// refused: refused PATTERN command...
// runs a vault command that must fail for its input (400), with an error that matches
// PATTERN, and that must leave every stored byte of the engine as it was.
func refused(s *story, ts *testscript.TestScript, _ bool, args []string) error {
	if len(args) < 2 {
		return errors.New("usage: refused PATTERN command...")
	}
	pattern, err := regexp.Compile(args[0])
	if err != nil {
		return err
	}
	before, err := s.vault.storage()
	if err != nil {
		return err
	}
	if s.cli(ts, args[1:]) == nil {
		return fmt.Errorf("%v was accepted", args[1:])
	}
	stderr := ts.ReadFile("stderr")
	if !strings.Contains(stderr, "Code: 400") {
		return fmt.Errorf("%v: want an answer of 400, got %s", args[1:], stderr)
	}
	if !pattern.MatchString(stderr) {
		return fmt.Errorf("%v: nothing matches %s in %s", args[1:], pattern, stderr)
	}
	after, err := s.vault.storage()
	if err != nil {
		return err
	}
	if !maps.Equal(before, after) {
		return fmt.Errorf("%v was refused, and yet changed what is stored", args[1:])
	}
	return nil
}

// until: [!] until PATTERN command...
// repeats a vault command until it succeeds and prints what matches (with "!": what does not match) PATTERN.
func until(s *story, ts *testscript.TestScript, want bool, args []string) error {
	if len(args) < 2 {
		return errors.New("usage: [!] until PATTERN command...")
	}
	pattern, err := regexp.Compile(args[0])
	if err != nil {
		return err
	}
	return poll(s.vault.process.ended, func() bool {
		return s.cli(ts, args[1:]) == nil && pattern.MatchString(ts.ReadFile("stdout")) == want
	})
}

// capture: capture NAME    sets the variable NAME to what the last command printed
func capture(_ *story, ts *testscript.TestScript, _ bool, args []string) error {
	if len(args) != 1 {
		return errors.New("usage: capture NAME")
	}
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile("stdout")))
	return nil
}

// letters: letters FILE N    makes a file of N letters
func letters(_ *story, ts *testscript.TestScript, _ bool, args []string) error {
	if len(args) != 2 {
		return errors.New("usage: letters FILE N")
	}
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	return writeFile(ts.MkAbs(args[0]), strings.Repeat("x", n))
}
