// SPDX-License-Identifier: MPL-2.0

package field_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/field"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/secret"
)

// thing has a field of each kind.
type thing struct {
	text, format, document, choice string
	list, commas, words            []string
	pairs                          map[string]string
	values                         field.Values
	sent, kept                     secret.String
	secrets                        field.SecretValues
	life                           time.Duration
	flag                           bool
	own                            field.Own
}

var (
	ownText    = field.OwnText("own_text", field.Shapes, "A text that few have.")
	ownChoice  = field.OwnChoice("own_choice", field.Life, []string{"first", "second"}, nil, "A choice that few have.")
	ownSecret  = field.OwnSecret("own_secret", field.Binds, field.Sent, "A secret that few have.")
	ownValues  = field.OwnVariables("own_values", field.Steers, "Values that few have.")
	ownSecrets = field.OwnSecrets("own_secrets", field.Proves, field.Sent, "Secrets that few have.")
)

var things = field.New(append([]field.Row[thing]{
	field.Text("text", field.Shapes, func(t *thing) *string { return &t.text }, "A text.").Slips("txt"),
	field.TextOr("format", field.None, func(t *thing) *string { return &t.format }, "plain", "A text with a default."),
	field.Document("document", field.Shapes|field.Steers, func(t *thing) *string { return &t.document }, "JSON.").Sample("@document.json"),
	field.Choice("choice", field.Binds, func(t *thing) *string { return &t.choice }, []string{"one", "other_one"}, map[string]string{"uno": "one"}, "One of two."),
	field.List("list", field.Shapes, func(t *thing) *[]string { return &t.list }, "A list."),
	field.CommaList("commas", field.None, func(t *thing) *[]string { return &t.commas }, []string{"*"}, "A list with a default."),
	field.Words("words", field.Shapes, func(t *thing) *[]string { return &t.words }, "Words."),
	field.Pairs("pairs", field.Steers, func(t *thing) *map[string]string { return &t.pairs }, "Pairs."),
	field.Variables("values", field.Steers, func(t *thing) *field.Values { return &t.values }, "Values."),
	field.Secret("sent", field.Proves, field.Sent, func(t *thing) *secret.String { return &t.sent }, "A secret."),
	field.Secret("kept", field.Proves, field.Kept, func(t *thing) *secret.String { return &t.kept }, "A key."),
	field.Secrets("secrets", field.Proves, field.Sent, func(t *thing) *field.SecretValues { return &t.secrets }, "Secrets."),
	field.Duration("life", field.Life, func(t *thing) *time.Duration { return &t.life }, time.Second, time.Hour, "A time."),
	field.Flag("flag", field.Steers, func(t *thing) *bool { return &t.flag }, "A flag.").OnlyIf(field.Steers, func(t *thing) bool { return t.text != "" }),
}, field.Lift(func(t *thing) *field.Own { return &t.own }, ownText, ownChoice, ownSecret, ownValues, ownSecrets, ownText)...)...)

// given is a write, in the types that the framework gives.
type given map[string]any

func (g given) GetOk(name string) (any, bool) {
	value, ok := g[name]
	return value, ok
}

const canary = "canary-value"

var (
	full = given{
		"text": "a", "format": "wide", "document": `{"a": 1}`, "choice": "other_one", "list": []string{"a", "b"}, "commas": []string{"c"}, "words": []string{"d e", "f"},
		"pairs": map[string]string{"a": "1"}, "values": map[string]any{"n": 1.5, "t": "<x>"}, "sent": canary + "1", "kept": canary + "2",
		"secrets": map[string]any{"key": canary + "3", "n": 7}, "life": 90, "flag": true,
		"own_text": "b", "own_choice": "second", "own_secret": canary + "4", "own_values": map[string]any{"n": 2}, "own_secrets": map[string]any{"key": canary + "5"},
	}
	empty = given{
		"text": "", "format": "", "document": "", "choice": "", "list": []string{""}, "commas": []string{}, "words": []string{" "},
		"pairs": map[string]string{}, "values": map[string]any{}, "sent": "", "kept": "", "secrets": map[string]any{}, "life": 0, "flag": false,
		"own_text": "", "own_choice": "", "own_secret": "", "own_values": map[string]any{}, "own_secrets": map[string]any{},
	}
)

func made(t *testing.T, writes ...given) *thing {
	t.Helper()
	e := new(thing)
	things.Reset(e)
	for _, write := range writes {
		things.Apply(e, write)
	}
	return e
}

func TestEveryFieldIsWrittenShownStoredAndLoaded(t *testing.T) {
	require.Len(t, things.Fields(), len(full), "each field once, whoever declares it how often")
	e := made(t)
	supplied, warnings := things.Apply(e, full)
	require.Equal(t, []string{"sent", "secrets", "own_secret", "own_secrets"}, supplied, "the secrets that are sent")
	require.Empty(t, warnings)
	require.NoError(t, things.Check(e))
	require.Equal(t, map[string]any{
		"text": "a", "format": "wide", "document": `{"a": 1}`, "choice": "other_one", "list": []string{"a", "b"}, "commas": []string{"c"}, "words": []string{"d", "e", "f"},
		"pairs": map[string]string{"a": "1"}, "values": map[string]any{"n": json.Number("1.5"), "t": "<x>"}, "sent_set": true, "kept_set": true,
		"secrets_set": []string{"key", "n"}, "life": int64(90), "flag": true,
		"own_text": "b", "own_choice": "second", "own_secret_set": true, "own_values": map[string]any{"n": json.Number("2")}, "own_secrets_set": []string{"key"},
	}, things.Show(e))

	raw, err := json.Marshal(things.Stored(e))
	require.NoError(t, err)
	var stored map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(raw, &stored))
	for i := range 5 {
		require.Contains(t, string(raw), fmt.Sprint(canary, i+1), "storage has secrets in the clear")
	}
	loaded := new(thing)
	require.NoError(t, things.Load(loaded, stored))
	require.Equal(t, e, loaded)
	require.Empty(t, things.Changed(e, loaded, ^field.Effect(0)))
	require.Error(t, things.Load(loaded, map[string]json.RawMessage{"life": json.RawMessage(`"long"`)}))
}

func TestWhatIsNotGivenStaysAndWhatIsGivenEmptyIsCleared(t *testing.T) {
	e := made(t, full)
	supplied, _ := things.Apply(e, given{})
	require.Empty(t, supplied)
	require.Equal(t, made(t, full), e)

	supplied, _ = things.Apply(e, empty)
	require.Empty(t, supplied)
	blank := made(t)
	blank.commas = nil // an empty list of what has a default is empty
	require.Equal(t, blank, e)
	require.Nil(t, e.own, "no map is left, so that two entries are equal if their fields are")
	require.Equal(t, "plain", things.Show(e)["format"])
	require.Equal(t, map[string]any{"format": "plain", "choice": "one", "commas": []string(nil), "own_choice": "first"}, things.Stored(e), "only what is set or has a default is stored")
}

func TestWhatAChangeMeansComesFromItsRow(t *testing.T) {
	before := made(t, full)
	for _, info := range things.Fields() {
		after := *before
		things.Clone(&after)
		things.Apply(&after, given{info.Name: empty[info.Name]})
		require.Equal(t, []string{info.Name}, things.Changed(before, &after, info.Effect))
		require.Empty(t, things.Changed(before, &after, ^info.Effect))
		require.Equal(t, made(t, full), before, "a copy shares nothing with the first that a write of %s changes", info.Name)
	}
	require.Equal(t, []string{"sent", "secrets", "own_secret", "own_secrets"}, things.SecretsHeld(before))
	require.Empty(t, things.SecretsHeld(made(t)))

	flagged, bare := made(t, given{"flag": true}), made(t)
	require.Empty(t, things.Changed(flagged, bare, field.Steers), "an effect that the field has only with a text")
	require.Equal(t, []string{"text"}, things.Changed(flagged, made(t, given{"flag": true, "text": "a"}), field.Shapes))
	require.Equal(t, []string{"flag"}, things.Changed(bare, made(t, given{"flag": true, "text": "a"}), field.Steers), "in one of the two is enough")
}

func TestSecretsAreToldApartAndShownNowhere(t *testing.T) {
	one, two := made(t, full), made(t, full, given{"sent": "another", "own_secrets": map[string]any{"key": "another"}})
	require.Equal(t, []string{"sent", "own_secrets"}, things.Changed(one, two, field.Proves))
	all := func(field.Info) bool { return true }
	digested, err := json.Marshal(things.Values(one, all))
	require.NoError(t, err)
	other, err := json.Marshal(things.Values(two, all))
	require.NoError(t, err)
	require.NotEqual(t, digested, other)
	shown, err := json.Marshal(things.Show(one))
	require.NoError(t, err)
	for _, text := range []string{string(digested), string(shown), fmt.Sprint(one.own), fmt.Sprint(one.sent, one.kept, one.secrets)} {
		require.NotContains(t, text, canary)
	}
	require.ElementsMatch(t, []string{canary + "4", canary + "5"}, one.own.Secrets())
}

func TestOwnFieldsAreReadByWhoDeclaresThem(t *testing.T) {
	e := made(t, full)
	require.Equal(t, "b", ownText.Of(e.own))
	require.Equal(t, canary+"4", ownSecret.Of(e.own).Reveal())
	require.Equal(t, map[string]any{"key": canary + "5"}, ownSecrets.Of(e.own).Decoded())
	require.True(t, ownValues.IsSet(e.own))
	require.Equal(t, "first", ownChoice.Of(nil), "the default")
	require.False(t, ownChoice.IsSet(field.Own{}))
	require.Equal(t, "own_text", ownText.Name())
}

func TestAFieldIsLookedUpByItsName(t *testing.T) {
	e := made(t, full)
	info, ok := things.Lookup("document")
	require.True(t, ok)
	require.Equal(t, "document=@document.json", info.Assignment())
	_, ok = things.Lookup("nothing")
	require.False(t, ok)
	require.Equal(t, "a", things.Value(e, "text"))
	require.Nil(t, things.Value(e, "nothing"))
	require.True(t, things.IsSet(e, "sent"))
	require.False(t, things.IsSet(e, "nothing"))
	require.Equal(t, []string{"key", "n"}, things.Keys(e, "secrets"))
	require.Equal(t, []string{"n", "t"}, things.Keys(e, "values"))
	require.Nil(t, things.Keys(e, "pairs"))
	require.Nil(t, things.Keys(e, "nothing"))
}

func TestATableRefusesRowsThatSayTooLittle(t *testing.T) {
	at := func(t *thing) *string { return &t.text }
	require.Panics(t, func() { field.New(field.Text("text", 0, at, "No effect.")) })
	require.Panics(t, func() {
		field.New(field.Text("text", field.None, at, "Once."), field.Text("text", field.None, at, "Twice."))
	})
}

func TestValuesThatCanNeverBe(t *testing.T) {
	for name, c := range map[string]struct {
		write given
		want  string
	}{
		"no option":     {given{"choice": "Other-One"}, "choice must be one of one, other_one: did you mean other_one?"},
		"another word":  {given{"choice": "uno"}, "choice must be one of one, other_one: did you mean one?"},
		"nothing alike": {given{"choice": canary}, "choice must be one of one, other_one"},
		"too short":     {given{"life": -1}, "life must be between 1s and 1h0m0s, or 0 for the default"},
		"too long":      {given{"life": 1 << 40}, "life must be between 1s and 1h0m0s, or 0 for the default"},
		"a name":        {given{"values": map[string]any{"a b": 1}}, `values: a name may have letters, digits, "_", "-" and ".", up to 64 characters, as in {{values.api_key}}`},
		"a secret name": {given{"own_secrets": map[string]any{"": 1}}, `own_secrets: a name may have letters, digits, "_", "-" and ".", up to 64 characters, as in {{own_secrets.api_key}}`},
	} {
		require.EqualError(t, things.Check(made(t, full, c.write)), c.want, name)
	}
}

func TestSecretsThatLookLikeSlips(t *testing.T) {
	for name, c := range map[string]struct {
		write given
		want  string
	}{
		"echo":             {given{"sent": canary + "\n"}, "sent ends in a newline: if it was made with echo, use echo -n or printf"},
		"a file":           {given{"own_secret": "./secret.txt"}, "own_secret looks like the name of a file: if that is a file, write own_secret=@own-secret.txt"},
		"echo in a map":    {given{"secrets": map[string]any{"key": canary + "\n"}}, "secrets.key ends in a newline: if it was made with echo, use echo -n or printf"},
		"a file in a map":  {given{"secrets": map[string]any{"key": "key.pem"}}, "secrets.key looks like the name of a file, and the vault command reads none there: if that is a file, give all secrets in one, as a JSON object: secrets=@secrets.json"},
		"a key in PEM":     {given{"kept": canary + "\n"}, ""},
		"a common secret":  {given{"sent": canary}, ""},
		"a number, no map": {given{"secrets": map[string]any{"n": 7}}, ""},
	} {
		_, warnings := things.Apply(made(t), c.write)
		if c.want == "" {
			require.Empty(t, warnings, name)
		} else {
			require.Equal(t, []string{c.want}, warnings, name)
		}
	}
}
