#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "gateway/base/fd.h"
#include "gateway/plugin/service.h"
#include "plugins/files/answer.h"

namespace upgate::plugins::files {

// Reads `to.size()` bytes at `offset`; false if the file is shorter, or cannot be read. Blocks on
// the disk.
bool ReadAt(const UniqueFd& file, std::uint64_t offset, MutableBytes to);

// Sends the body of a response whose head has been sent, as fast as the client accepts it, with a
// bounded amount per turn so that other clients of the loop are not delayed. Owns the file and
// closes it as soon as the client is gone or has received everything. If the file is shorter than
// promised, the connection is aborted, so that the client can tell. Data appended to the file
// meanwhile is not sent.
class FileStream final : public http::ExchangeHandler, io::Later {
 public:
  // `exchange`, `turn` and `buffer` must outlive it. The buffer is shared scratch space, used only
  // inside calls.
  FileStream(http::Exchange& exchange, io::Turn& turn, MutableBytes buffer, UniqueFd file,
             std::vector<Piece> body);

  // Sends the first bytes; call it once, directly after the head.
  void Start() { SendMore(); }

  void OnWritable() override { SendMore(); }

 private:
  void OnLater() override { SendMore(); }
  void SendMore();
  // Sends bytes of the first piece, at most `limit` from the file; returns how many. 0: the file
  // has become shorter.
  std::size_t SendSome(std::size_t limit);

  http::Exchange& exchange_;
  io::Turn& turn_;
  MutableBytes buffer_;
  UniqueFd file_;
  std::vector<Piece> body_;
  std::size_t at_ = 0;  // index of the piece being sent, which is updated to what is left of it
};

}  // namespace upgate::plugins::files
