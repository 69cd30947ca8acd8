#include "plugins/files/files.h"

#include <utility>
#include <vector>

#include "gateway/base/text.h"
#include "plugins/files/answer.h"
#include "plugins/files/lookup.h"
#include "plugins/files/options.h"
#include "plugins/files/stream.h"

namespace upgate::plugins {
namespace {

constexpr std::size_t kBufferSize = 64 * 1024;
constexpr std::string_view kMethods = "GET, HEAD, OPTIONS";

http::Response OtherMethod(const http::Request& request) {
  http::Response response;
  if (request.method == "OPTIONS") {
    response.status = 204;
  } else {
    response = http::TextResponse(405, "files are read with GET");
  }
  response.headers.Add("Allow", kMethods);
  return response;
}

class FilesInstance final : public plugin::Instance {
 public:
  FilesInstance(const files::Options& options, const config::PathPattern& route, io::Loop loop)
      : options_(options),
        route_(route),
        loop_(loop),
        buffer_(std::make_unique_for_overwrite<std::byte[]>(kBufferSize)) {}

  std::unique_ptr<http::ExchangeHandler> OnRequest(http::Exchange& exchange) override {
    const http::Request& request = exchange.request();
    if (request.method != "GET" && request.method != "HEAD")
      return Done(exchange, OtherMethod(request));
    auto found = files::FindFile(options_, route_, request);
    if (!found) return Done(exchange, std::move(found.error()));
    auto answer =
        files::MakeAnswer(options_, *found, request, loop_.timers.UnixSeconds(), loop_.entropy);
    if (!answer) return Done(exchange, std::move(answer.error()));
    if (request.method == "HEAD") {
      exchange.SendHead(answer->head, {answer->length});
      exchange.EndBody();
      return nullptr;
    }
    if (answer->length <= kBufferSize && answer->body.size() == 1)
      return SendAtOnce(exchange, found->file.fd, *answer);
    exchange.SendHead(answer->head, {answer->length});
    auto stream = std::make_unique<files::FileStream>(
        exchange, loop_.turn, buffer(), std::move(found->file.fd), std::move(answer->body));
    stream->Start();
    return stream;
  }

 private:
  MutableBytes buffer() const { return {buffer_.get(), kBufferSize}; }

  static std::unique_ptr<http::ExchangeHandler> Done(http::Exchange& exchange,
                                                     http::Response response) {
    exchange.Respond(std::move(response));
    return nullptr;
  }

  // Most files are small: sends head and body in one write.
  std::unique_ptr<http::ExchangeHandler> SendAtOnce(http::Exchange& exchange, const UniqueFd& file,
                                                    files::FileAnswer& answer) const {
    const MutableBytes bytes = buffer().first(static_cast<std::size_t>(answer.length));
    if (!files::ReadAt(file, answer.body.front().offset, bytes)) {
      return Done(exchange, http::TextResponse(503, "the file changed while it was read"));
    }
    Append(answer.head.body, bytes);
    return Done(exchange, std::move(answer.head));
  }

  const files::Options& options_;
  const config::PathPattern& route_;
  io::Loop loop_;
  std::unique_ptr<std::byte[]> buffer_;
};

class Files final : public plugin::Service {
 public:
  Files(files::Options options, const config::PathPattern& route)
      : options_(std::move(options)), route_(route) {}
  bool serves_http() const override { return true; }
  std::unique_ptr<plugin::Instance> Start(plugin::Host& host) const override {
    return std::make_unique<FilesInstance>(options_, route_, host.loop());
  }
  Preview MakePreview(const http::Request& request, bool) const override {
    const auto found = files::FindFile(options_, route_, request);
    if (found) return {.line = "the file " + Printable(found->path), .location = {}};
    const http::Response& answer = found.error();
    const std::string* location = answer.headers.Find("location");
    return {.line = "no file: " + std::to_string(answer.status) +
                    (location != nullptr ? " with Location: " + *location : ""),
            .location = location != nullptr ? *location : ""};
  }

 private:
  const files::Options options_;
  const config::PathPattern& route_;
};

}  // namespace

std::unique_ptr<plugin::Service> MakeFiles(plugin::ServiceSetup setup) {
  return std::make_unique<Files>(files::ReadOptions(setup), setup.path);
}

}  // namespace upgate::plugins
