#pragma once

#include <cstddef>
#include <string>
#include <utility>

#include "gateway/upgrade/session_query.h"

namespace upgate::admin {

// Appends one session as a JSON object on one line. Formatted by hand, for speed: a page has up to
// 1000 sessions.
void AppendSession(std::string& text, const upgrade::SessionRow& row);

// {"total":N,"sessions":[...],"next":...}, with one line per session.
//
// Written in slices, so that a long page does not block the loop.
class PageText {
 public:
  PageText(upgrade::SessionPage page, upgrade::SessionOrder order);
  // Appends at most `sessions` more; returns true once everything is written.
  bool Write(std::size_t sessions);
  std::string Take() { return std::move(text_); }

 private:
  const upgrade::SessionOrder order_;
  upgrade::SessionPage::Rows rows_;
  std::size_t next_ = 0;  // index of the next row to write
  std::string text_;
};

}  // namespace upgate::admin
