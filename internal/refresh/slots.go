// SPDX-License-Identifier: MPL-2.0

package refresh

// slots are shared by all hosts.
type slots struct {
	size, used int
}

// admit tells whether a host that holds so many slots may have one more. It may if
// it holds less than a third of the number of free slots. So one host alone, dead
// or alive, ends at a quarter of all slots, several hosts get equal shares, and a
// slot is left for a host that has none.
func (s *slots) admit(holds int) bool {
	free := s.size - s.used
	return free > 0 && (holds == 0 || 3*holds < free)
}
