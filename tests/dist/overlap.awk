# overlap.awk TRACE: exchanges of gradients, and how many of them had work of the device beside them.
function span() {
    match($0, /"ts":[0-9.]+/)
    from = substr($0, RSTART + 5, RLENGTH - 5) + 0
    match($0, /"dur":[0-9.]+/)
    to = from + substr($0, RSTART + 6, RLENGTH - 6)
}
/"pid":2/ && /"ts"/ && !/"step \[/ { span(); begin[n] = from; end[n++] = to }
/"exchange gradients"/ { span(); sent[m] = from; there[m++] = to }
END {
    for (i = 0; i < m; i++) {
        beside = 0
        for (j = 0; j < n && !beside; j++) beside = begin[j] < there[i] && end[j] > sent[i]
        count += beside
    }
    print m + 0, count + 0
}
