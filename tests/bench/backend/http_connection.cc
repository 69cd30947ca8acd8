#include "tests/bench/backend/http_connection.h"

#include <charconv>

#include "tests/bench/backend/server.h"
#include "tests/bench/wire/die.h"

namespace upgate::bench {

void HttpConnection::OnBytes(MutableBytes bytes) {
  Append(input_, bytes);
  std::size_t taken = 0;
  for (;;) {
    const std::size_t end = input_.find("\r\n\r\n", taken);
    if (end == std::string::npos) break;
    Answer(std::string_view(input_).substr(taken, end - taken));
    taken = end + 4;
  }
  input_.erase(0, taken);
}

void HttpConnection::Answer(std::string_view head) {
  static constexpr std::string_view kGet = "GET /";
  std::size_t size = 0;
  const auto [end, error] =
      std::from_chars(head.data() + kGet.size(), head.data() + head.size(), size);
  if (!head.starts_with(kGet) || error != std::errc{} || *end != ' ') {
    Die("the server got a request that is not GET /N");
  }
  std::string& body = server().body();
  if (body.size() < size) body.resize(size, 'x');
  std::string& out = server().scratch();
  out = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: " + std::to_string(size) +
        "\r\n\r\n";
  out.append(body, 0, size);
  Send(AsBytes(out));
  out.clear();
}

}  // namespace upgate::bench
