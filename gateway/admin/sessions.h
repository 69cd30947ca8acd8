#pragma once

#include <cstddef>
#include <string>
#include <utility>

#include "gateway/upgrade/session_query.h"

namespace upgate::admin {

// One session as a JSON object on one line, appended to `text`. Written by hand, because a page has
// up to a thousand.
void AppendSession(std::string& text, const upgrade::SessionRow& row);

// {"total":N,"sessions":[...],"next":...}, with a line for each session. Written a part at a time,
// so that a long page does not hold the loop up.
class PageText {
 public:
  PageText(upgrade::SessionPage page, upgrade::SessionOrder order);
  // Writes at most so many sessions more; true once everything is written.
  bool Write(std::size_t sessions);
  std::string Take() { return std::move(text_); }

 private:
  const upgrade::SessionOrder order_;
  upgrade::SessionPage::Rows rows_;
  std::size_t next_ = 0;  // row to be written
  std::string text_;
};

}  // namespace upgate::admin
