// The last error of each thread, without the C++ stack trace that c10 appends.
#include "internal.h"

namespace ot {

std::atomic<int64_t> live_tensors{0};

static thread_local std::string last_error;

// An error out of a TorchScript module or an operator's check can carry a stack trace after the first blank line; a person who
// made a mistake does not need it.
static std::string without_trace(std::string text) {
  for (const char* mark : {"\nException raised from ", "\n\nAt:\n", "\nC++ CapturedTraceback"}) {
    auto at = text.find(mark);
    if (at != std::string::npos) {
      text.resize(at);
    }
  }
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) {
    text.pop_back();
  }
  return text;
}

void set_error(std::string message) {
  last_error = without_trace(std::move(message));
}

void set_error(const std::exception& error) {
  const auto* c10_error = dynamic_cast<const c10::Error*>(&error);
  set_error(std::string(c10_error != nullptr ? c10_error->what_without_backtrace() : error.what()));
}

}  // namespace ot

OT_API const char* ot_last_error() {
  return ot::last_error.c_str();
}
