#include "gateway/net/later.h"

#include <cassert>

namespace upgate::net {

void Later::Cancel() {
  if (!waiting()) return;
  link_.previous->next = link_.next;
  link_.next->previous = link_.previous;
  link_.next = nullptr;
  link_.previous = nullptr;
}

LaterList::~LaterList() {
  while (Take() != nullptr) {
  }
}

void LaterList::Append(Later& later) {
  assert(!later.waiting());
  later.link_.next = &head_;
  later.link_.previous = head_.previous;
  head_.previous->next = &later.link_;
  head_.previous = &later.link_;
}

Later* LaterList::Take() {
  if (empty()) return nullptr;
  Later* first = head_.next->owner;
  first->Cancel();
  return first;
}

void LaterList::TakeAll(LaterList& other) {
  if (other.empty()) return;
  other.head_.next->previous = head_.previous;
  head_.previous->next = other.head_.next;
  other.head_.previous->next = &head_;
  head_.previous = other.head_.previous;
  other.head_.next = &other.head_;
  other.head_.previous = &other.head_;
}

void LaterList::RunAll() {
  LaterList batch;
  batch.TakeAll(*this);
  while (Later* later = batch.Take()) later->OnLater();
}

}  // namespace upgate::net
