#pragma once

#include <cstddef>
#include <vector>

#include "gateway/base/fd.h"
#include "gateway/plugin/service.h"
#include "plugins/files/answer.h"

namespace upgate::plugins::files {

// Reads `to.size()` bytes at `offset`; false when the file has fewer by now, or cannot be read.
// Waits for the disk.
bool ReadAt(const UniqueFd& file, std::uint64_t offset, MutableBytes to);

// Sends the body of an answer whose head is out, as fast as the client takes it and never so much
// in one turn that the loop's other clients wait for it. Owns the file, and so closes it as soon as
// the client is gone or has it all. A file that became shorter than was promised breaks the
// connection off: what arrived must not look whole. What is added to it is not sent.
class FileStream final : public http::ExchangeHandler, io::Later {
 public:
  // `exchange`, `turn` and `buffer` outlive it. The buffer is scratch space that many share, used
  // inside calls only.
  FileStream(http::Exchange& exchange, io::Turn& turn, MutableBytes buffer, UniqueFd file,
             std::vector<Piece> body);

  // Sends the first bytes; once, right after the head.
  void Start() { Pump(); }

  void OnWritable() override { Pump(); }

 private:
  void OnLater() override { Pump(); }
  void Pump();
  // The next bytes of the piece at the front, at most `limit`; how many. 0: the file is shorter
  // than it was.
  std::size_t SendSome(std::size_t limit);

  http::Exchange& exchange_;
  io::Turn& turn_;
  MutableBytes buffer_;
  UniqueFd file_;
  std::vector<Piece> body_;
  std::size_t at_ = 0;  // the piece that is being sent; what it still has stands in it
};

}  // namespace upgate::plugins::files
