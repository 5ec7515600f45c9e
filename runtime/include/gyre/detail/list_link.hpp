// ListLink: a place in a ring of whatever derives from it.
#pragma once

namespace gyre::detail {

/// Linked to itself where it stands in no ring.
struct ListLink {
    struct NotYet {};  // linked before anything else

    ListLink* next;
    ListLink* previous;

    ListLink() noexcept : next(this), previous(this) {}
    explicit ListLink(NotYet /*linked*/) noexcept {}

    void link_before(ListLink& link) noexcept {
        link.previous = previous;
        link.next = this;
        previous->next = &link;
        previous = &link;
    }
    void unlink() noexcept {
        previous->next = next;
        next->previous = previous;
        next = previous = this;
    }
};

}  // namespace gyre::detail
