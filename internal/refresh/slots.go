// SPDX-License-Identifier: MPL-2.0

package refresh

// slots are shared by all hosts.
type slots struct {
	size, used int
}

// admit tells whether a host that holds so many may have one more: as long as
// it has no more than a third of what is free. So one host, dead or alive, ends
// at a quarter of the slots; several share what they take evenly; and something
// is always left for a host that has none.
func (s *slots) admit(holds int) bool {
	free := s.size - s.used
	return free > 0 && (holds == 0 || 3*holds < free)
}
