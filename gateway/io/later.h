#pragma once

namespace upgate::io {

// A place in a LaterList; for the list only.
struct LaterLink {
  LaterLink* next_ = nullptr;
  LaterLink* previous_ = nullptr;
};

// Something to do on the loop's next turn; a base or a member of whoever waits for it. In at most
// one list at a time; destroying it takes it out. See Turn::RunLater.
class Later : public LaterLink {
 public:
  Later(const Later&) = delete;
  Later& operator=(const Later&) = delete;

  // Out of the list already; may be put into one again, or destroyed.
  virtual void OnLater() = 0;

  bool waiting() const { return next_ != nullptr; }
  void Cancel();

 protected:
  Later() = default;
  ~Later() { Cancel(); }
};

// First in, first out. Its members may leave, or die, at any time, also while RunAll runs. Does not
// own them.
class LaterList {
 public:
  LaterList() : head_{&head_, &head_} {}
  ~LaterList();
  LaterList(const LaterList&) = delete;
  LaterList& operator=(const LaterList&) = delete;

  bool empty() const { return head_.next_ == &head_; }
  // `later` is in no list.
  void Append(Later& later);
  // The first one, taken out, or nullptr.
  Later* Take();
  // Moves everything from `other` to the end.
  void TakeAll(LaterList& other);
  // Runs what is in the list now; what comes in meanwhile stays.
  void RunAll() {
    LaterList batch;
    batch.TakeAll(*this);
    while (Later* later = batch.Take()) later->OnLater();
  }

 private:
  LaterLink head_;
};

}  // namespace upgate::io
