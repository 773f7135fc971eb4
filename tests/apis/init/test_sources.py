"""Names that tell sources, and names that only count."""

from __future__ import annotations

import random
import re

from mmstconv.apis.init.sources import find_sources, joined


def sources(names, pattern=None, groups=None):
    """Sets of names of one source, and how they were told; classes are folders."""
    classes = sorted({name.rpartition("/")[0].split("/")[0] for name in names})
    labels = [(classes.index(name.split("/")[0]),) for name in names]
    groups = groups or [None] * len(names)
    found = find_sources(names, labels, classes, groups, pattern)
    of = {}
    for name, key in zip(names, found.keys):
        of.setdefault(key, set()).add(name)
    return list(of.values()), found.how


def test_groups_of_ucf101():
    names = [
        f"{c}/v_{c}_g{g:02}_c{k:02}.avi"
        for c in ("Archery", "Surfing", "Swing")
        for g in range(1, 6)
        for k in range(1, 4)
    ]
    found, how = sources(names)
    assert len(found) == 15
    assert all(len({name[:-8] for name in one}) == 1 for one in found)
    assert (
        "(Archery/v_Archery_g01_c01.avi and Archery/v_Archery_g01_c02.avi are of one)"
        in how
    )


def test_numbers_that_only_count_are_no_sources():
    for form in ("{c}_{k:03}.mp4", "{k}.mp4", "clip_{k}.mp4", "{c} ({k}).mp4"):
        names = [
            f"{c}/" + form.format(c=c, k=k) for c in ("run", "jump") for k in range(9)
        ]
        found, how = sources(names)
        assert len(found) == 18 and how == "", form


def test_parts_of_one_film():
    """Also across classes: the same film cut into clips of several."""
    for tail in ("_part{}", " ({})", "-{}", "part{}", "_000{}_0010{}", ".clip.{}"):
        names = [
            f"{c}/film{x}{tail.replace('{}', str(k))}.MP4"
            for c in ("run", "jump")
            for x in "abcdef"
            for k in (1, 2, 3)
        ]
        found, _ = sources(names)
        assert len(found) == 6, (tail, found)
        assert all(len(one) == 6 for one in found)


def test_ids_that_end_in_digits():
    """But for the few that say that they are parts."""
    rng = random.Random(0)
    names = [f"{c}/{rng.getrandbits(44):011x}.mp4" for c in "ab" for _ in range(300)]
    found, how = sources(names)
    assert len(found) == 600 and how == ""
    parts = [f"{c}/film{tail}.mp4" for c in "ab" for tail in (" part 1", "_part2", "")]
    found, how = sources(names + parts)
    assert len(found) == 601 and {*parts} in found
    names = [f"{name[:-4]}_{k:06}_{k + 10:06}.mp4" for k, name in enumerate(names)]
    assert len(sources(names)[0]) == 600


def test_people_before_their_takes():
    """The most that leaves several sources to a class: S03_A01_R02 is of S03."""
    names = [
        f"A{a}/S{s:02}_A{a}_R{r}.avi"
        for a in (1, 2)
        for s in range(1, 8)
        for r in (1, 2)
    ]
    found, _ = sources(names)
    assert len(found) == 7 and all(len(one) == 4 for one in found)


def test_a_folder_each():
    names = [
        f"{c}/match{m}/{k}.mp4"
        for c in ("goal", "foul")
        for m in range(4)
        for k in range(3)
    ]
    found, how = sources(names)
    assert len(found) == 8 and how.startswith("folders (goal/match0/0.mp4 and")
    nested = [f"sport/{c}/{k}.mp4" for c in ("goal", "foul") for k in range(6)]
    classes = ["sport/foul", "sport/goal"]
    labels = [(classes.index(name.rpartition("/")[0]),) for name in nested]
    assert find_sources(nested, labels, classes, [None] * 12).how == ""


def test_what_the_data_set_or_the_user_says_goes_first():
    names = [f"a/person{k % 3}_{k}.mp4" for k in range(6)] + ["a/else.mp4"]
    found, how = sources(names, re.compile(r"person(\d)"))
    assert len(found) == 4 and "person" in how
    found, how = sources(names, groups=["x"] * 3 + ["y"] * 3 + [None])
    assert [len(one) for one in found] == [3, 3, 1] and how.startswith("groups of")
    found, how = sources(names, groups=["videos"] * 7)
    assert len(found) == 7 and how == ""  # a folder of all is no source
    names = [f"{c}/film{x}_{k}.mp4" for c in "ab" for x in "stuvwxyz" for k in "12"]
    groups = ["x" if "films" in name else None for name in names]
    assert len(sources(names, groups=groups)[0]) == 8


def test_duplicates_join_sources():
    assert joined("aabbc", [(1, 2)]) == [0, 0, 0, 0, 4]
    assert joined("abcd", [(3, 2), (2, 1)]) == [0, 1, 1, 1]
