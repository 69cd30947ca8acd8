#pragma once

#include <memory>
#include <string>

#include "gateway/base/bytes.h"
#include "gateway/config/config.h"
#include "gateway/http/message.h"
#include "gateway/io/memory.h"

namespace upgate::http {

// Whether the body of this response to this request is to be sent as gzip (RFC 9110, section
// 8.4.1.3), and the changes to its header that this takes. Responses that are encoded already, that
// are parts, or that say `no-transform` are left as they are. `length`: of the body, if it is
// known. Vary is added wherever another client could get the other form. Pure.
bool PrepareGzip(const Request& request, const config::HttpCompression& settings,
                 std::optional<std::uint64_t> length, Response& response);

// Compresses one body, piece by piece, with a window of 16 KiB: about 100 KiB of memory, which is
// charged to the loop's ledger.
class GzipBody {
 public:
  // nullptr if there is no memory for it.
  static std::unique_ptr<GzipBody> Make(int level, io::MemoryLedger* ledger);
  ~GzipBody();
  GzipBody(const GzipBody&) = delete;
  GzipBody& operator=(const GzipBody&) = delete;

  // Appends what comes out to `out`.
  void Add(Bytes bytes, std::string& out);
  // So that the client can decode everything that was added.
  void Flush(std::string& out);
  void Finish(std::string& out);

 private:
  struct State;
  GzipBody(std::unique_ptr<State> state, io::MemoryLedger* ledger);
  void Run(Bytes bytes, int flush, std::string& out);

  const std::unique_ptr<State> state_;
  std::optional<io::MemoryCharge> charge_;
};

}  // namespace upgate::http
