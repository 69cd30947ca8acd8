#pragma once

namespace upgate::io {

// Links in a LaterList; for the list only.
struct LaterLink {
  LaterLink* next_ = nullptr;
  LaterLink* previous_ = nullptr;
};

// A callback for the loop's next turn; a base class or member of the object that waits for it. In
// at most one list at a time; destroying it removes it. See Turn::RunLater.
class Later : public LaterLink {
 public:
  Later(const Later&) = delete;
  Later& operator=(const Later&) = delete;

  // Called after removal from the list; the object may be added again or destroyed.
  virtual void OnLater() = 0;

  bool waiting() const { return next_ != nullptr; }
  void Cancel();

 protected:
  Later() = default;
  ~Later() { Cancel(); }
};

// A FIFO list. Its members may leave or be destroyed at any time, also while RunAll runs. Does not
// own them.
class LaterList {
 public:
  LaterList() : head_{&head_, &head_} {}
  ~LaterList();
  LaterList(const LaterList&) = delete;
  LaterList& operator=(const LaterList&) = delete;

  bool empty() const { return head_.next_ == &head_; }
  // `later` must not be in a list.
  void Append(Later& later);
  // Removes and returns the first one, or nullptr.
  Later* Take();
  // Moves everything from `other` to the end.
  void TakeAll(LaterList& other);
  // Runs all callbacks that are in the list now; those added meanwhile stay.
  void RunAll() {
    LaterList batch;
    batch.TakeAll(*this);
    while (Later* later = batch.Take()) later->OnLater();
  }

 private:
  LaterLink head_;
};

}  // namespace upgate::io
