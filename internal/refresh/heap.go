// SPDX-License-Identifier: MPL-2.0

package refresh

// heap is a binary heap whose items know their place, so that any can be moved
// or removed in logarithmic time. (container/heap would do the same through an
// interface with five methods for each of four orders.)
type heap[T any] struct {
	items []T
	less  func(a, b T) bool
	index func(T) *int
}

func (h *heap[T]) len() int { return len(h.items) }

func (h *heap[T]) push(item T) {
	h.items = append(h.items, item)
	h.set(len(h.items)-1, item)
	h.up(len(h.items) - 1)
}

// first must not be asked of an empty heap.
func (h *heap[T]) first() T { return h.items[0] }

func (h *heap[T]) pop() T { return h.remove(0) }

func (h *heap[T]) remove(i int) T {
	item := h.items[i]
	last := len(h.items) - 1
	if i != last {
		h.set(i, h.items[last])
	}
	var none T
	h.items[last] = none
	h.items = h.items[:last]
	if i != last {
		h.fix(i)
	}
	h.shrink()
	return item
}

// fix restores the order after the item at i has changed.
func (h *heap[T]) fix(i int) {
	if !h.down(i) {
		h.up(i)
	}
}

func (h *heap[T]) set(i int, item T) {
	h.items[i] = item
	*h.index(item) = i
}

func (h *heap[T]) up(i int) {
	item := h.items[i]
	for i > 0 {
		parent := (i - 1) / 2
		if !h.less(item, h.items[parent]) {
			break
		}
		h.set(i, h.items[parent])
		i = parent
	}
	h.set(i, item)
}

func (h *heap[T]) down(i int) (moved bool) {
	item := h.items[i]
	for {
		child := 2*i + 1
		if child >= len(h.items) {
			break
		}
		if child+1 < len(h.items) && h.less(h.items[child+1], h.items[child]) {
			child++
		}
		if !h.less(h.items[child], item) {
			break
		}
		h.set(i, h.items[child])
		i, moved = child, true
	}
	h.set(i, item)
	return moved
}

// shrink gives back what a burst took: hosts are many, and each has two heaps.
func (h *heap[T]) shrink() {
	if cap(h.items) > 64 && len(h.items) < cap(h.items)/8 {
		h.items = append(make([]T, 0, cap(h.items)/4), h.items...)
	}
}
