// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"errors"
	"fmt"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/transport"
)

// settingHint says how a setting of the mount allows what the address guard refused.
func settingHint(setting, mount string) string {
	if setting == "allow_loopback" {
		return fmt.Sprintf("for a demo or a test, allow it with \"vault write %ssettings allow_loopback=true\"", mount)
	}
	return fmt.Sprintf("see %s in \"vault read %ssettings\"", setting, mount)
}

// withSettingHint is the error's text, and how a setting allows what it refuses.
func withSettingHint(err error, mount string) string {
	if refused, ok := errors.AsType[*transport.GuardError](err); ok && refused.Setting() != "" {
		return err.Error() + ": " + settingHint(refused.Setting(), mount)
	}
	return err.Error()
}
