#include "plugins/files/stream.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace upgate::plugins::files {
namespace {

constexpr std::size_t kBytesPerTurn = 256 * 1024;

// From this size on, increased read-ahead by the system is worthwhile.
constexpr std::uint64_t kLong = 1024 * 1024;

}  // namespace

bool ReadAt(const UniqueFd& file, std::uint64_t offset, MutableBytes to) {
  while (!to.empty()) {
    const ssize_t got = ::pread(file.get(), to.data(), to.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    offset += static_cast<std::uint64_t>(got);
    to = to.subspan(static_cast<std::size_t>(got));
  }
  return true;
}

FileStream::FileStream(http::Exchange& exchange, io::Turn& turn, MutableBytes buffer, UniqueFd file,
                       std::vector<Piece> body)
    : exchange_(exchange),
      turn_(turn),
      buffer_(buffer),
      file_(std::move(file)),
      body_(std::move(body)) {
  const bool is_long =
      std::ranges::any_of(body_, [](const Piece& piece) { return piece.length >= kLong; });
  if (is_long) ::posix_fadvise(file_.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
}

void FileStream::SendMore() {
  std::size_t left = kBytesPerTurn;
  while (!exchange_.congested()) {
    if (at_ == body_.size()) return exchange_.EndBody();
    if (left == 0) return turn_.Continue(*this);
    const std::size_t sent = SendSome(left);
    if (sent == 0) return exchange_.Abort();
    left -= std::min(sent, left);
  }
}

std::size_t FileStream::SendSome(std::size_t limit) {
  Piece& piece = body_[at_];
  std::size_t sent = piece.text.size();
  if (!piece.text.empty()) {
    exchange_.SendBody(AsBytes(piece.text));
    piece.text.clear();
  } else {
    sent = static_cast<std::size_t>(std::min<std::uint64_t>({limit, buffer_.size(), piece.length}));
    const MutableBytes bytes = buffer_.first(sent);
    if (!ReadAt(file_, piece.offset, bytes)) return 0;
    exchange_.SendBody(bytes);
    piece.offset += sent;
    piece.length -= sent;
  }
  if (piece.length == 0) ++at_;
  return sent;
}

}  // namespace upgate::plugins::files
