#include "gateway/io/later.h"

#include <cassert>

namespace upgate::io {

void Later::Cancel() {
  if (!waiting()) return;
  previous_->next_ = next_;
  next_->previous_ = previous_;
  next_ = nullptr;
  previous_ = nullptr;
}

LaterList::~LaterList() {
  while (Take() != nullptr) {
  }
}

void LaterList::Append(Later& later) {
  assert(!later.waiting());
  later.next_ = &head_;
  later.previous_ = head_.previous_;
  head_.previous_->next_ = &later;
  head_.previous_ = &later;
}

Later* LaterList::Take() {
  if (empty()) return nullptr;
  auto* first = static_cast<Later*>(head_.next_);
  first->Cancel();
  return first;
}

void LaterList::TakeAll(LaterList& other) {
  if (other.empty()) return;
  other.head_.next_->previous_ = head_.previous_;
  head_.previous_->next_ = other.head_.next_;
  other.head_.previous_->next_ = &head_;
  head_.previous_ = other.head_.previous_;
  other.head_.next_ = &other.head_;
  other.head_.previous_ = &other.head_;
}

}  // namespace upgate::io
