// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// installDocument may have indented blocks, which nothing can be said about in the line before. It is said here, and what is
// run before a block though the document does not have it.
const installDocument = "docs/install.md"

var installBlocks = []struct{ begins, note, before string }{
	{"make build", "not run: builds for every platform, as each release does; README's make build is run", ""},
	{"install -m 755", "", "vault secrets disable oauth/"}, // by hand what the script has just done
	{`path "sys/plugins`, "file: installer.hcl", ""},
	{"PLUGIN_DIR=/etc/vault.d/plugins scripts/register.sh vault-plugin", "",
		"vault policy write installer installer.hcl\nVAULT_TOKEN=$(vault token create -policy=installer -field=token)"},
	{"docker build", "not run: needs Docker", "VAULT_TOKEN=" + rootToken},
}

// annotateInstall fails for a note whose block is not in the document any more.
func (r *reader) annotateInstall(blocks []docBlock) {
	r.Helper()
	for _, said := range installBlocks {
		found := 0
		for i := range blocks {
			if strings.HasPrefix(strings.TrimSpace(blocks[i].content), said.begins) {
				blocks[i].annotate(said.note)
				blocks[i].before = said.before
				found++
			}
		}
		if found != 1 {
			r.Errorf("%d blocks of %s begin with %q", found, r.document, said.begins)
		}
	}
}

// releases lays the plugin as of several versions beside what the person has, as downloaded from a release, and one in bin.
func (r *reader) releases(versions ...string) {
	r.Helper()
	built := filepath.Join(r.parts.pluginDir, pluginName)
	if err := os.MkdirAll(filepath.Join(r.dir, "bin"), 0o700); err != nil {
		r.Fatal(err)
	}
	if err := os.Link(built, filepath.Join(r.dir, "bin", pluginName)); err != nil {
		r.Fatal(err)
	}
	sums := ""
	for _, version := range versions {
		name := pluginName + "_" + version + "_linux_amd64" // as the document has it, whatever this machine is
		file := filepath.Join(r.dir, name)
		buildPlugin(r.T, file, version)
		binary, err := os.ReadFile(file)
		if err != nil {
			r.Fatal(err)
		}
		sums += fmt.Sprintf("%x  %s\n", sha256.Sum256(binary), name)
	}
	r.file("SHA256SUMS", sums+strings.Repeat("0", 64)+"  not-downloaded\n")
}
