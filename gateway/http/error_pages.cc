#include "gateway/http/error_pages.h"

#include "gateway/base/text.h"
#include "gateway/http/weights.h"

namespace upgate::http {

void ErrorPages::Apply(const Request& request, Response& response) const {
  const Page* page = For(response.status);
  if (page == nullptr) return;
  const std::string* type = response.headers.Find("content-type");
  if (type == nullptr || !ToLower(*type).starts_with("text/plain")) return;
  if (page->content_type.starts_with("text/html") && !AsksForHtml(request.headers)) return;
  response.body = page->body;
  response.headers.Remove("content-type");
  response.headers.Add("Content-Type", page->content_type);
}

}  // namespace upgate::http
