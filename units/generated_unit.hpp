// SPDX-License-Identifier: MIT
//
// A unit file that no package and no administrator wrote: as a generator makes it
// (systemd.generator(7)), with the links that pull it in.
#pragma once

#include <string>
#include <vector>

namespace hearth {

struct GeneratedUnit {
    std::string name, text;  ///< an empty text: the links alone
    /// "local-fs.target.requires/srv.mount": links beside it that lead to it.
    std::vector<std::string> links;
    bool operator==(const GeneratedUnit&) const = default;
};

}  // namespace hearth
