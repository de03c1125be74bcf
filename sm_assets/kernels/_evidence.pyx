# distutils: language = c++
"""Grouping of (account, content, post) rows by account and post. The face is `evidence`."""

from libc.stdint cimport int32_t, int64_t, uint8_t
from libcpp.algorithm cimport sort
from libcpp.pair cimport pair
from libcpp.vector cimport vector

ctypedef pair[int64_t, int32_t] row_t


def group_rows(
    const int32_t[::1] account,      # IN
    const int32_t[::1] content,      # IN
    const int64_t[::1] post,         # IN, empty: every row is a post of its own
    int64_t n_contents,
    int64_t[::1] account_ptr,        # OUT, zeros before
    int32_t[::1] grouped,            # OUT, contents in the new order
    int32_t[::1] unit,               # OUT
    uint8_t[::1] is_first,           # OUT, per content: 1 = first of some unit; zeros before
):
    """Counting sort by account, then each account's rows by post and content; returns the number of repeated rows."""
    cdef int64_t n_accounts = account_ptr.shape[0] - 1
    cdef int64_t n = account.shape[0]
    cdef int64_t a, i, j, repeats = 0
    cdef int32_t number
    cdef bint alone = post.shape[0] == 0
    cdef vector[int64_t] fill, grouped_post
    cdef vector[int32_t] seen_by
    cdef row_t one
    cdef vector[row_t] rows
    with nogil:
        for i in range(n):
            account_ptr[account[i] + 1] += 1
        for a in range(n_accounts):
            account_ptr[a + 1] += account_ptr[a]
        fill.resize(n_accounts)
        for a in range(n_accounts):
            fill[a] = account_ptr[a]
        if not alone:
            grouped_post.resize(n)
        for i in range(n):
            j = fill[account[i]]
            fill[account[i]] += 1
            grouped[j] = content[i]
            if not alone:
                grouped_post[j] = post[i]
        seen_by.assign(n_contents, -1)
        for a in range(n_accounts):
            rows.clear()
            for j in range(account_ptr[a], account_ptr[a + 1]):
                repeats += seen_by[grouped[j]] == a
                seen_by[grouped[j]] = a
                one.first = 0
                if not alone:
                    one.first = grouped_post[j]
                one.second = grouped[j]
                rows.push_back(one)
            sort(rows.begin(), rows.end())
            number = -1
            for i in range(<int64_t>rows.size()):
                if alone or i == 0 or rows[i].first != rows[i - 1].first:
                    number += 1
                    is_first[rows[i].second] = 1
                j = account_ptr[a] + i
                grouped[j] = rows[i].second
                unit[j] = number
    return repeats
