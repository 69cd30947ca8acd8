#include "gateway/tls/scratch.h"

namespace upgate::tls {

Scratch::Scratch() : buffers_(std::make_unique<Buffers>()) {}
Scratch::~Scratch() = default;

}  // namespace upgate::tls
