// The file of a listening Unix socket: made with the right mode, replaced only when nobody listens on it.
#pragma once

#include <string>

namespace sl::local {

// A bound and listening, non-blocking stream socket (mode 0660), or -1 and in `why` what is wrong and what
// helps.
int listen_on(const std::string& path, std::string& why);

// A blocking connection to a Unix socket; -1 with errno set when there is none.
int connect_to(const std::string& path);

}  // namespace sl::local
