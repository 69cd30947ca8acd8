#pragma once

namespace upgate::net {

// Something to do on a later turn of the loop; a member or a base of whoever waits for it. In at
// most one list at a time; destroying it takes it out. See Loop::RunLater.
class Later {
 public:
  Later(const Later&) = delete;
  Later& operator=(const Later&) = delete;

  // Out of the list already; may be put into one again, or destroyed.
  virtual void OnLater() = 0;

  bool waiting() const { return link_.next != nullptr; }
  void Cancel();

  // For LaterList.
  struct Link {
    Link* next;
    Link* previous;
    Later* owner;
  };
  Link link_;

 protected:
  Later() : link_{nullptr, nullptr, this} {}
  ~Later() { Cancel(); }
};

// First in, first out. Its members may leave, or die, at any time, also while RunAll runs. Does not
// own them.
class LaterList {
 public:
  LaterList() : head_{&head_, &head_, nullptr} {}
  ~LaterList();
  LaterList(const LaterList&) = delete;
  LaterList& operator=(const LaterList&) = delete;

  bool empty() const { return head_.next == &head_; }
  // `later` is in no list.
  void Append(Later& later);
  // The first one, taken out, or nullptr.
  Later* Take();
  // Moves everything from `other` to the end.
  void TakeAll(LaterList& other);
  // Runs what is in the list now; what comes in meanwhile stays.
  void RunAll();

 private:
  Later::Link head_;
};

}  // namespace upgate::net
