"""Files of the graph that other tools open: GraphML, GEXF, NetworkX node-link JSON, and Parquet of any size."""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import networkx as nx
import pyarrow as pa
from pyarrow import parquet

from geo_flywheel.errors import ConfigError
from geo_flywheel.graph.faces import Columns, Faces

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def export(faces: Faces, path: Path) -> list[Path]:
    """Write a graph to the file named, in the format its ending says, whole or not at all.

    Args:
        faces: What is written.
        path: Ends in .graphml, .gexf, .json or .parquet; the last makes two files, NAME.nodes.parquet and
            NAME.edges.parquet.

    Returns:
        The files written.

    Raises:
        ConfigError: If the ending is another one, the graph too large for it, or the file cannot be written.
    """
    ending = path.suffix.lower()
    if ending == ".parquet":
        nodes = faces.node_columns()
        edges = faces.edge_columns(nodes["id"])
        return [
            _written(path.with_suffix(".nodes.parquet"), lambda part: _parquet(nodes, part)),
            _written(path.with_suffix(".edges.parquet"), lambda part: _parquet(edges, part)),
        ]
    if ending not in _WRITERS:
        raise ConfigError(
            f"{path}: no format of a graph ends in {ending or 'nothing'}; use .graphml, .gexf, .json or .parquet"
        )
    graph = faces.networkx()
    return [_written(path, lambda part: _WRITERS[ending](graph, part))]


def _written(path: Path, write: Callable[[Path], None]) -> Path:
    part = path.with_name(f".{path.name}.part")
    try:
        write(part)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise ConfigError(f"{path}: cannot be written ({error.strerror or error}); name another place") from error
    return path


def _parquet(columns: Columns, path: Path) -> None:
    parquet.write_table(pa.table(columns), path)


def _graphml(graph: "nx.MultiDiGraph[str]", path: Path) -> None:
    nx.write_graphml(_for_xml(graph), path)


def _gexf(graph: "nx.MultiDiGraph[str]", path: Path) -> None:
    nx.write_gexf(_for_xml(graph), path)


def _node_link(graph: "nx.MultiDiGraph[str]", path: Path) -> None:
    path.write_text(json.dumps(nx.node_link_data(graph, edges="edges"), ensure_ascii=True), encoding="utf-8")


_WRITERS = {".graphml": _graphml, ".gexf": _gexf, ".json": _node_link}


def _for_xml(graph: "nx.MultiDiGraph[str]") -> "nx.MultiDiGraph[str]":
    """The graph without the characters that XML cannot hold."""
    made: nx.MultiDiGraph[str] = nx.MultiDiGraph(**_clean(graph.graph))
    made.add_nodes_from((_text(node), _clean(held)) for node, held in graph.nodes(data=True))
    for source, target, key, held in graph.edges(keys=True, data=True):
        made.add_edge(_text(source), _text(target), key=key, **_clean(held))
    return made


def _clean(held: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _text(value) if isinstance(value, str) else value for name, value in held.items()}


def _text(value: str) -> str:
    return _NO_XML.sub("\ufffd", value)
