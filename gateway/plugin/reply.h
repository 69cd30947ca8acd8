#pragma once

#include <memory>
#include <utility>

namespace upgate::plugin {

// Who waits for an answer of a plugin; for the gateway.
template <class Answer>
class AnswerTarget {
 public:
  virtual void OnAnswer(Answer answer) = 0;

 protected:
  ~AnswerTarget() = default;
};

// The way back for one answer. Copies are the same way. It may be kept as long as wanted, also
// longer than the client, the route and the gateway last: only the first answer counts, and only
// while somebody waits for it; a second, or a late one, does nothing. On the loop's thread.
template <class Answer>
class ReplyOf {
 public:
  explicit ReplyOf(AnswerTarget<Answer>& target)
      : slot_(std::make_shared<AnswerTarget<Answer>*>(&target)) {}

  // Also from inside the call that asks.
  void operator()(Answer answer) const {
    if (AnswerTarget<Answer>* target = std::exchange(*slot_, nullptr))
      target->OnAnswer(std::move(answer));
  }
  // Whether somebody still waits. Not when the client has gone away or the time is up.
  bool wanted() const { return *slot_ != nullptr; }
  // From now on nobody waits. For the gateway.
  void Drop() const { *slot_ = nullptr; }

 private:
  std::shared_ptr<AnswerTarget<Answer>*> slot_;
};

}  // namespace upgate::plugin
