#pragma once

#include <map>
#include <string>

#include "gateway/http/message.h"

namespace upgate::http {

// Pages for the errors that the gateway itself answers with. Immutable; shared by all loops.
struct ErrorPages {
  struct Page {
    std::string body;
    std::string content_type;
  };
  std::map<int, Page> by_status;
  std::map<int, Page> by_class;  // 4 for 4xx, 5 for 5xx

  // nullptr if there is none.
  const Page* For(int status) const {
    if (const auto page = by_status.find(status); page != by_status.end()) return &page->second;
    const auto page = by_class.find(status / 100);
    return page != by_class.end() ? &page->second : nullptr;
  }

  // Replaces the text of an error by its page, if there is one and the client takes HTML. Only
  // plain text is replaced: other bodies are meant for programs.
  void Apply(const Request& request, Response& response) const;
};

}  // namespace upgate::http
